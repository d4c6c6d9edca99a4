import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { importRules, stages } from '../../../.ci/imports.ts'

const root = join(import.meta.dirname, '../../..')

/** Lints one file in a tree of its own, with the rules of this one. */
function lint(
  file: string,
  text: string,
): { readonly status: number | null; readonly said: string } {
  const tree = mkdtempSync(join(tmpdir(), 'imports-'))
  mkdirSync(dirname(join(tree, file)), { recursive: true })
  mkdirSync(join(tree, '.ci'))
  for (const each of ['.oxlintrc.json', '.ci/imports.json'])
    cpSync(join(root, each), join(tree, each))
  writeFileSync(join(tree, file), text)
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), [file], {
    cwd: tree,
    encoding: 'utf8',
  })
  return { status, said: stdout }
}

test('the lint rules are those of the table', () => {
  expect(
    JSON.parse(readFileSync(join(root, '.ci/imports.json'), 'utf8')),
    'run `node .ci/imports.ts`',
  ).toEqual(JSON.parse(importRules()))
})

test('the table names every folder of core', () => {
  const entries = readdirSync(join(root, 'packages/core/src'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(folders.toSorted()).toEqual(stages.toSorted())
})

test.each([
  ['packages/core/src/usage/a.ts', '../meter/b.ts', false],
  ['packages/core/src/usage/a.ts', '../lib/b.ts', true],
  ['packages/core/src/usage/a.ts', '../index.ts', false],
  ['packages/core/src/usage/a.ts', './b.ts', true],
  ['packages/core/src/outbox/sqlite/a.ts', '../../delivery/b.ts', false],
  ['packages/core/src/outbox/sqlite/a.ts', '../../index.ts', false],
  ['packages/core/src/outbox/sqlite/a.ts', '../outbox.ts', true],
  ['packages/core/src/meter/a.ts', '@token-meter/openai', false],
  ['packages/core/src/index.ts', '@token-meter/openai', false],
  ['packages/openai/src/wire/a.ts', '@token-meter/core/wire', true],
  ['packages/openai/src/wire/a.ts', '@token-meter/core/adapter', false],
  ['packages/openai/src/wire/a.ts', 'openai', false],
  ['packages/openai/src/a.ts', 'openai', true],
  ['packages/stripe/src/a.ts', '@token-meter/core/sink', true],
  ['packages/stripe/src/a.ts', '@token-meter/core/wire', false],
  ['packages/stripe/src/a.ts', '@token-meter/lago', false],
])('%s may import %s: %s', (file, specifier, isAllowed) => {
  const { status, said } = lint(file, `export type { A } from '${specifier}'\n`)
  expect(said.includes('no-restricted-imports')).toBe(!isAllowed)
  expect(status).toBe(isAllowed ? 0 : 1)
})
