import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { endpointOf } from '../src/endpoint/endpoints.ts'
import { modelMethods } from '../src/model/methods.ts'

test('METHODS.md says what the code does', () => {
  const table = readFileSync(join(import.meta.dirname, '../METHODS.md'), 'utf8')
  const rows = [...table.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| ([v\d, ]+?) +\| ([a-z ]+?) +\|/gm)]
  expect(
    rows.map(([, kind, method, versions, metering]) => ({
      kind,
      method,
      versions: versions?.split(', '),
      metering,
    })),
  ).toEqual(modelMethods)
})

test('exactly the kinds with metered methods have an endpoint', () => {
  for (const { kind, metering } of modelMethods) {
    expect(endpointOf(kind) !== undefined, kind).toBe(metering === 'metered')
  }
})

test('every method of the specification is in the table', () => {
  const provider = fileURLToPath(import.meta.resolve('@ai-sdk/provider'))
  const source = join(dirname(provider), '../src')
  const found = new Set<string>()
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const [, folder, version] = /^([a-z-]+)\/(v\d)\/.*\.ts$/.exec(file) ?? []
    if (folder === undefined || folder.endsWith('-middleware')) continue
    const kind = folder.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const text = readFileSync(join(source, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')
    for (const [, method] of text.matchAll(/\b(do[A-Z]\w+)\??[(:]/g)) {
      found.add(`${kind}.${method} ${version}`)
    }
  }
  const known = modelMethods
    // An alias that the specification derives from `doDecide`.
    .filter(({ method }) => method !== 'doEvaluate')
    .flatMap(({ kind, method, versions }) =>
      versions.map((version) => `${kind}.${method} ${version}`),
    )
  expect([...found].filter((each) => !each.includes('doEvaluate')).toSorted()).toEqual(
    known.toSorted(),
  )
})
