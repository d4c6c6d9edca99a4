import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { routeOf } from '../src/wire/routes.ts'
import type { MethodRow, Verdict } from '@token-meter/testkit/internal'
import { methodRows } from './methods.ts'
import { type MethodRequest, methodRequests, sdkMethods } from './sdk-methods.ts'
import { sdkMajors } from './sdk-majors.ts'

/** Methods that a generic call does not bring to a request, and why. */
const silent = new Set([
  // No HTTP at all.
  'webhooks.unwrap',
  'webhooks.verifySignature',
  'beta.agents.environments.files.prepare',
  // These want arguments of their own making.
  'beta.agents.environments.files.upload',
  'beta.agents.sessions.artifacts.forResult',
  'beta.agents.sessions.stream',
])

const table = new Map<string, MethodRow>(methodRows.map((row) => [row.name, row]))
const documented = join(import.meta.dirname, '../METHODS.md')

/** What the code does with the requests of a method. */
function decided(requests: readonly MethodRequest[]): Verdict {
  const kinds = requests.map(
    ({ verb, path }) => routeOf(verb, path.replaceAll('{id}', 'id'), 'http://x/v1')?.kind,
  )
  if (kinds.includes('unmetered')) return 'not metered'
  return kinds.some((kind) => kind !== undefined) ? 'metered' : 'free'
}

const found = new Map<string, { majors: number[]; requests: readonly MethodRequest[] }>()

beforeAll(async () => {
  for (const { major, OpenAI } of sdkMajors) {
    for (const [name, requests] of await methodRequests(OpenAI)) {
      const { majors = [], requests: earlier = [] } = found.get(name) ?? {}
      const latest = requests.length > 0 ? requests : earlier
      found.set(name, { majors: [...majors, major], requests: latest })
    }
  }
})

describe.each(sdkMajors)('every resource method of openai $major', ({ OpenAI }) => {
  test('is in the table, and the code decides as the table says', async () => {
    const methods = await methodRequests(OpenAI)
    expect(methods.size).toBeGreaterThan(100)
    const differing = [...methods].flatMap(([name, requests]) => {
      const { verdict } = table.get(name) ?? {}
      if (requests.length === 0) {
        return verdict === undefined || !silent.has(name) ? [`${name}: makes no request`] : []
      }
      const code = decided(requests)
      return code === verdict ? [] : [`${name}: the table says ${verdict}, the code ${code}`]
    })
    expect(differing).toEqual([])
  })
})

test('the table names no method that no SDK has', () => {
  const clients = sdkMajors.map(
    ({ OpenAI }) => new OpenAI({ apiKey: 'k', adminAPIKey: 'a' } as never),
  )
  const existing = new Set(clients.flatMap((client) => sdkMethods(client).map(({ name }) => name)))
  expect([...table.keys()].filter((name) => !existing.has(name))).toEqual([])
})

test('METHODS.md is written from the table', () => {
  const markdown = methodsMarkdown()
  if (process.env['UPDATE_METHODS'] !== undefined) writeFileSync(documented, markdown)
  expect(readFileSync(documented, 'utf8')).toBe(markdown)
})

function methodsMarkdown(): string {
  const rows = [...table].map(([name, { verdict, why }]) => {
    const { majors = [], requests = [] } = found.get(name) ?? {}
    const request = requests
      .map(({ verb, path }) => `\`${verb.toUpperCase()} ${path}\``)
      .join('<br>')
    const where = majors.length === sdkMajors.length ? '' : ` (${majors.join(', ')})`
    return `| \`${name}\`${where} | ${request} | ${verdict} | ${why} |`
  })
  return `${introduction}\n<!-- prettier-ignore -->\n| SDK method | request | | how and why |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

const introduction = `# What each method of the OpenAI SDK costs, and who counts it

Every resource method of openai 5 to 7; the majors that have it stand behind a method that not all
of them have. A test calls each one, and fails when a method is missing here, or when its requests
are not treated as the table says.

- **metered**: becomes usage records, once for each answer or job.
- **free**: costs no tokens, or shows what was billed before. Nothing is recorded.
- **not metered**: costs something that no answer tells for certain. It works, and is reported once.

\`client.post(path)\` and \`client.request({ path })\` are treated as the method with that request.
`
