import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMeter, memoryOutbox, openaiProvider } from '../src/index.ts'
import { routeOf } from '../src/wire/routes.ts'
import { describe, expect, test } from 'vitest'
import type { MethodRow, Verdict } from '@token-meter/testkit/internal'
import { relativeRows } from './relative-methods.ts'
import { relatives } from './relatives.ts'
import type { SdkClass } from './sdk-majors.ts'
import { type MethodRequest, methodRequests, sdkMethods } from './sdk-methods.ts'

/** It reads a file of the disk first, and Cerebras' want arguments of their own making. */
const silent = new Set(['files.upload', 'models.retrieve', 'models.list'])

const documented = join(import.meta.dirname, '../METHODS-relatives.md')
const packageOf = (name: string) => name.split(/,| \d/)[0] as string

function rowOf(rows: readonly MethodRow[], name: string): MethodRow | undefined {
  return rows.find(
    (row) =>
      row.name === name || (row.name.endsWith('*') && name.startsWith(row.name.slice(0, -1))),
  )
}

/** What the code does with the requests of a method. */
function decided(requests: readonly MethodRequest[], provider: string): Verdict {
  const kinds = requests.map(
    ({ verb, path }) => routeOf(verb, path.replaceAll('{id}', 'id'), 'http://x/v1', provider)?.kind,
  )
  if (kinds.includes('unmetered')) return 'not metered'
  return kinds.some((kind) => kind !== undefined) ? 'metered' : 'free'
}

describe.each(relatives)('every resource method of $name', ({ name, provider, newClient }) => {
  const rows = relativeRows[packageOf(name)] as readonly MethodRow[]
  // `new` gives back what a function returns.
  const Client = function (options: object) {
    return newClient(options)
  } as unknown as SdkClass

  test('is in the table, and the code decides as the table says', async () => {
    const methods = await methodRequests(Client, new Set(['files.upload']))
    expect(methods.size).toBeGreaterThan(3)
    const differing = [...methods].flatMap(([method, requests]) => {
      const row = rowOf(rows, method)
      if (row === undefined) return [`${method}: is not in the table`]
      if (requests.length === 0) {
        return silent.has(method) || row.name.endsWith('*') ? [] : [`${method}: makes no request`]
      }
      const code = decided(requests, provider)
      return code === row.verdict
        ? []
        : [`${method}: the table says ${row.verdict}, the code ${code}`]
    })
    expect(differing).toEqual([])
    const gone = rows.filter((row) => ![...methods.keys()].some((method) => rowOf([row], method)))
    expect(gone).toEqual([])
  })

  test('that costs something is reached through the metered client', async () => {
    await using meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
    const raw = newClient({ apiKey: 'k', baseURL: 'http://methods.invalid' })
    const metered = meter(raw as never, 'cus_1') as object
    for (const { name: method } of sdkMethods(raw)) {
      if (rowOf(rows, method)?.verdict === 'free') continue
      const path = method.split('.').slice(0, -1)
      const resource = path.reduce((owner, key) => Reflect.get(owner, key) as object, metered)
      expect([method, Reflect.get(resource, '_client') === metered]).toEqual([method, true])
    }
  })
})

test('METHODS-relatives.md is written from the tables', () => {
  const tables = Object.entries(relativeRows).map(([sdk, rows]) => {
    const lines = rows.map(({ name, verdict, why }) => `| \`${name}\` | ${verdict} | ${why} |`)
    const header = '<!-- prettier-ignore -->\n| SDK method | | how and why |\n| --- | --- | --- |'
    return `## ${sdk}\n\n${header}\n${lines.join('\n')}\n`
  })
  const markdown = `${introduction}\n${tables.join('\n')}`
  if (process.env['UPDATE_METHODS'] !== undefined) writeFileSync(documented, markdown)
  expect(readFileSync(documented, 'utf8')).toBe(markdown)
})

const introduction = `# What each method of the SDKs by OpenAI's generator costs, and who counts it

Groq's, Together's, Cerebras' and Perplexity's clients, metered by the same \`meter()\` as OpenAI's. A test
calls each method, and fails when one is missing here, or when its requests are not treated as the table says.

- **metered**: becomes usage records, once for each answer or job.
- **free**: costs no tokens, or shows what was billed before. Nothing is recorded.
- **not metered**: costs something that no answer tells for certain. It works, and is reported once.
`
