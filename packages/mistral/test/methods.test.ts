import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { WireContext } from '@token-meter/core/wire'
import { mistralWire } from '../src/wire.ts'
import { sdkMajors } from './metered.ts'
import type { MethodRow, Verdict } from '@token-meter/testkit/internal'
import { methodRows } from './methods.ts'
import { type SdkMethod, sdkMethods } from './sdk-methods.ts'

const documented = join(import.meta.dirname, '../METHODS.md')
const folders: Readonly<Record<number, string>> = {
  1: '../node_modules/mistral1/funcs',
  2: '../node_modules/@mistralai/mistralai/esm/funcs',
}

/** Methods that make no request by themselves: they wait for others, or read what is given. */
const madeOfOthers = new Set(['workflows.executeWorkflowAndWait'])

function rowOf(name: string): MethodRow | undefined {
  return methodRows.find((row) => {
    if (row.name.endsWith('*')) return name.startsWith(row.name.slice(0, -1))
    return row.name === name
  })
}

const context = {
  baseUrl: undefined,
  provider: 'mistral',
  jobs: () => ({ creatorOf: () => undefined }),
  warn: () => {},
} as unknown as WireContext

/** What the code does with the requests of a method. */
function decided({ requests }: SdkMethod): Verdict {
  const verdicts = requests.map(({ verb, path }): Verdict => {
    const request = { method: verb, url: path, headers: undefined, body: undefined }
    const operation = mistralWire.open(request, context)
    if (operation === undefined) return 'free'
    return 'endpoint' in operation ? 'metered' : 'not metered'
  })
  return verdicts.find((verdict) => verdict !== 'free') ?? 'free'
}

const methods = sdkMajors.map(({ major, Mistral }) => ({
  major,
  all: sdkMethods(
    new Mistral({ apiKey: 'k' }),
    join(import.meta.dirname, folders[major] as string),
  ),
}))

describe.each(methods)('every method of @mistralai/mistralai $major', ({ all }) => {
  test('is in the table, and the code decides as the table says', () => {
    expect(all.length).toBeGreaterThan(90)
    const differing = all.flatMap((method) => {
      const row = rowOf(method.name)
      if (row === undefined) return [`${method.name}: is not in the table`]
      if (method.requests.length === 0) {
        return madeOfOthers.has(method.name) ? [] : [`${method.name}: makes no request`]
      }
      const code = decided(method)
      const { verdict } = row
      return code === verdict ? [] : [`${method.name}: the table says ${verdict}, the code ${code}`]
    })
    expect(differing).toEqual([])
  })
})

test('the table names no method that no SDK has', () => {
  const names = methods.flatMap(({ all }) => all.map(({ name }) => name))
  const first = new Set(names.map(rowOf))
  expect(methodRows.filter((row) => !first.has(row)).map(({ name }) => name)).toEqual([])
})

test('METHODS.md is written from the table', () => {
  const rows = methodRows.map(({ name, verdict, why }) => {
    const having = methods.filter(({ all }) =>
      all.some((method) => rowOf(method.name)?.name === name),
    )
    const where = having.length === methods.length ? '' : ` (${having[0]?.major})`
    return `| \`${name}\`${where} | ${verdict} | ${why} |`
  })
  const header = '<!-- prettier-ignore -->\n| SDK method | | how and why |\n| --- | --- | --- |'
  const markdown = `${introduction}\n${header}\n${rows.join('\n')}\n`
  if (process.env['UPDATE_METHODS'] !== undefined) writeFileSync(documented, markdown)
  expect(readFileSync(documented, 'utf8')).toBe(markdown)
})

const introduction = `# What each method of the Mistral SDK costs, and who counts it

Every method of @mistralai/mistralai 1 and 2; the major that has it stands behind a method that only one of
them has. A test looks at the requests of each, and fails when a method is missing here, or when its
requests are not treated as the table says.

- **metered**: becomes usage records, once for each answer or job.
- **free**: costs no tokens, or shows what was billed before. Nothing is recorded.
- **not metered**: costs something that no answer tells for certain. It works, and is reported once.

\`RealtimeTranscription\` of \`@mistralai/mistralai/extra/realtime\` is a client of its own, and metered as one:
each transcription of its connections.
`
