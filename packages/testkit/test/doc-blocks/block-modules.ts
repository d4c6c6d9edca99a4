import ts from 'typescript'
import type { Block } from './pages.ts'

/** A block as a module of its own. Its lines are those of the block; what is added comes after. */
export interface BlockModule {
  readonly block: Block
  readonly fileName: string
  readonly text: string
  /** Files that earlier blocks of the page name, by the specifier they are imported with. */
  readonly files: ReadonlyMap<string, string>
}

/**
 * The blocks of one page. A block uses what the blocks before it declare or import, the last one of
 * a name; a block whose first line names a file (`// meter.ts`) is that file, sees what it imports
 * alone, and can be imported by those after it.
 */
export function blockModules(blocks: readonly Block[], folder: string): BlockModule[] {
  const declaredBy = new Map<string, string>()
  const files = new Map<string, string>()
  return blocks.map((block) => {
    const fileName = `${folder}/${block.page.replaceAll('/', '.')}.${block.line}.${block.language}`
    const source = ts.createSourceFile(fileName, block.code, ts.ScriptTarget.Latest)
    const own = topLevelNames(source)
    const file = /^\/\/ ([\w.-]+\.tsx?)\b/.exec(block.code)?.[1]
    const used = file === undefined ? identifiersOf(source) : new Set<string>()
    const borrowed = [...declaredBy].filter(([name]) => used.has(name) && !own.has(name))
    const text = [
      block.code,
      ...borrowed.map(([name, from]) => `import { ${exported(name)} as ${name} } from '${from}'`),
      `export { ${[...own].map((name) => `${name} as ${exported(name)}`).join(', ')} }`,
    ].join('\n')
    const module = { block, fileName, text, files: new Map(files) }
    for (const name of own) declaredBy.set(name, fileName)
    if (file !== undefined) files.set(`./${file}`, fileName)
    return module
  })
}

/** Beside an `export` that the block has itself. */
function exported(name: string): string {
  return `block_${name}`
}

function topLevelNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const add = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.add(name.text)
    else for (const part of name.elements) if (ts.isBindingElement(part)) add(part.name)
  }
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) add(name)
    } else if (ts.isImportDeclaration(statement)) {
      const { name, namedBindings } = statement.importClause ?? {}
      if (name !== undefined) add(name)
      if (namedBindings === undefined) continue
      if (ts.isNamespaceImport(namedBindings)) add(namedBindings.name)
      else for (const element of namedBindings.elements) add(element.name)
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement)
    ) {
      if (statement.name !== undefined) add(statement.name)
    }
  }
  return names
}

function identifiersOf(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}
