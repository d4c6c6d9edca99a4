import ts from 'typescript'
import { beforeAll, expect, test } from 'vitest'
import { blockModules } from './doc-blocks/block-modules.ts'
import { moduleFolder, typeErrors } from './doc-blocks/compiler.ts'
import { type Block, blocksOf, blocksOfPage, pages } from './doc-blocks/pages.ts'

/** What is told apart here. A fence of another word, or of none, could hide code from the compiler. */
const code = ['ts', 'tsx', 'js', 'json', 'sh', 'sql', 'python']
const languages = [...code, 'yaml', 'toml', 'promql', 'text', 'mermaid']

/** Pages on which nothing is to be programmed. */
const withoutCode = [
  /^docs\/(architecture|crash-run|decisions\/.*)\.md$/,
  /^examples\/(?!chat\/).*/,
  /^packages\/(bench|cli)\/README\.md$/,
]

const blocks = pages.flatMap(blocksOfPage)
const ofLanguage = (...names: readonly string[]) =>
  blocks.filter(({ language }) => names.includes(language))

function modulesOf(ofPages: readonly Block[]) {
  const byPage = Map.groupBy(ofPages, ({ page }) => page)
  return [...byPage.values()].flatMap((ofPage) => blockModules(ofPage, moduleFolder))
}

/** What is wrong with a page of its own, compiled with the others in the same run. */
const faulty = [
  'Text.',
  '',
  '```ts',
  '// prices.ts',
  "export const price = '2.5'",
  '```',
  '- a list',
  '',
  '  ```ts',
  "  import { price } from './prices.ts'",
  '',
  '  const doubled = Number(price) * 2',
  '  ```',
  '',
  '```ts',
  'doubled.toFixed(2)',
  'doubled.length',
  'price.trim()',
  "import { price } from './costs.ts'",
  '```',
].join('\n')

let errors: readonly string[]

beforeAll(() => {
  const ofPages = ofLanguage('ts', 'tsx')
  errors = typeErrors(modulesOf([...ofPages, ...blocksOf('faulty.md', faulty)]))
}, 120_000)

test('the TypeScript of every page compiles under strict', () => {
  expect(errors.filter((error) => !error.startsWith('faulty.md:'))).toEqual([])
})

test('an error is told by page and line; a block has what those before it made, and files', () => {
  expect(errors.filter((error) => error.startsWith('faulty.md:'))).toEqual([
    "faulty.md:17: Property 'length' does not exist on type 'number'.",
    expect.stringMatching(/^faulty\.md:19: Cannot find module '\.\/costs\.ts'/),
  ])
})

test('every page has code, but for those that need none', () => {
  const withCode = new Set(ofLanguage('ts', 'tsx').map(({ page }) => page))
  const empty = pages.filter((page) => !withCode.has(page))
  const known = pages.filter((page) => withoutCode.some((pattern) => pattern.test(page)))
  expect(empty).toEqual(known)
})

test('every fence says which language follows', () => {
  const unknown = blocks.filter(({ language }) => !languages.includes(language))
  expect(unknown.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([])
})

test('JSON is JSON, and JavaScript parses', () => {
  const faults = ofLanguage('json', 'js').flatMap(({ page, line, language, code }) => {
    const fault = language === 'json' ? jsonFault(code) : scriptFault(code)
    return fault === undefined ? [] : [`${page}:${line}: ${fault}`]
  })
  expect(faults).toEqual([])
})

function jsonFault(code: string): string | undefined {
  try {
    JSON.parse(code)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Of JSON with comments, or of statements. */
function scriptFault(code: string): string | undefined {
  const text = /^\s*\{/.test(code) ? `(${code}\n)` : code
  const reportDiagnostics = true
  const { diagnostics = [] } = ts.transpileModule(text, { fileName: 'block.js', reportDiagnostics })
  return diagnostics.map(({ messageText }) => String(messageText))[0]
}

test('a fence that is never closed is an error, and hides nothing', () => {
  expect(() => blocksOf('docs/example.md', 'Text.\n```ts\nconst a = 1\n')).toThrow(
    'docs/example.md:2: this block is never closed',
  )
})
