import { globSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import type { BlockModule } from './block-modules.ts'

const repository = join(import.meta.dirname, '../../../..')

/** Where the blocks' modules are, for the compiler alone: no such folder exists. */
export const moduleFolder = join(import.meta.dirname, 'blocks')

const prelude = ['application.ts', 'not-installed.ts'].map((file) =>
  join(import.meta.dirname, 'prelude', file),
)

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  // A file is a module by what it says, for the prelude's `declare module`.
  moduleDetection: ts.ModuleDetectionKind.Legacy,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  // An option alone (`sinks: [...]`) is a label to the compiler.
  allowUnusedLabels: false,
  allowImportingTsExtensions: true,
  jsx: ts.JsxEmit.Preserve,
  skipLibCheck: true,
  noEmit: true,
}

/** What the compiler says of the blocks, in one run of it: `page:line: message`. */
export function typeErrors(modules: readonly BlockModule[]): string[] {
  const byName = new Map(modules.map((module) => [module.fileName, module]))
  const files = [...prelude, ...byName.keys()]
  const program = ts.createProgram(files, options, hostOf(byName))
  return [
    ...program.getOptionsDiagnostics(),
    ...files.flatMap((name) => {
      const file = program.getSourceFile(name)
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    }),
  ].map((diagnostic) => told(diagnostic, byName))
}

/** Reads blocks from memory, and finds for them what any package or example has installed. */
function hostOf(modules: ReadonlyMap<string, BlockModule>): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const cache = ts.createModuleResolutionCache(repository, (name) => name, options)
  const installers = ['packages/testkit', ...globSync('{packages,examples}/*', { cwd: repository })]
  const resolve = (specifier: string, from: string) =>
    ts.resolveModuleName(specifier, from, options, host, cache, undefined, ts.ModuleKind.ESNext)
  return {
    ...host,
    fileExists: (name) => modules.has(name) || host.fileExists(name),
    readFile: (name) => modules.get(name)?.text ?? host.readFile(name),
    getSourceFile: (name, target, ...rest) => {
      const text = modules.get(name)?.text
      return text === undefined
        ? host.getSourceFile(name, target, ...rest)
        : ts.createSourceFile(name, text, target)
    },
    resolveModuleNameLiterals: (literals, from, _redirected, _options, file) =>
      literals.map((literal) => {
        const specifier = literal.text
        if (from.startsWith(moduleFolder) || prelude.includes(from)) {
          const block = modules.get(from)?.files.get(specifier) ?? specifier
          if (modules.has(block)) {
            return { resolvedModule: { resolvedFileName: block, extension: ts.Extension.Ts } }
          }
          // Where it is installed with its types; a framework's page takes what the framework has.
          const isFramework = from.startsWith(join(moduleFolder, 'docs.frameworks.'))
          const first = isFramework ? ['packages/frameworks'] : []
          for (const installer of [...first, ...installers]) {
            const found = resolve(specifier, join(repository, installer, 'block.ts'))
            if (found.resolvedModule?.extension.endsWith('ts')) return found
          }
          return { resolvedModule: undefined }
        }
        const mode = ts.getModeForUsageLocation(file, literal, options)
        return ts.resolveModuleName(specifier, from, options, host, cache, undefined, mode)
      }),
  }
}

function told(
  { file, start, messageText }: ts.Diagnostic,
  modules: ReadonlyMap<string, BlockModule>,
): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined) return message
  const line = file.getLineAndCharacterOfPosition(start ?? 0).line + 1
  const block = modules.get(file.fileName)?.block
  return block === undefined
    ? `${file.fileName}:${line}: ${message}`
    : `${block.page}:${block.line + line}: ${message}`
}
