import { documentedMethods } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { routeOf } from '../src/wire/routes.ts'
import { startMetered } from './metered.ts'
import { type SdkMethod, sdkMethods } from './sdk-methods.ts'
import { type SdkClass, sdkMajors } from './sdk-majors.ts'

const rows = documentedMethods(import.meta.dirname)

/** Helpers that make their requests later, through other methods. */
const helpers = new Set([
  'beta.messages.toolRunner',
  'beta.messages.thread',
  'beta.sessions.events.toolRunner',
  'beta.environments.work.worker',
  'beta.environments.work.poller',
])

const base = 'https://api.anthropic.com'

/** What the code does with a request. */
function kindOf(request: string | undefined): string {
  const [method = '', path = ''] = request?.split(' ') ?? []
  const route = routeOf(method.toLowerCase(), path, base)
  if (route === undefined || route.kind === 'batch') return 'free'
  return route.kind === 'unmetered' ? 'not metered' : 'metered'
}

const isAdministration = ({ name }: SdkMethod) => /^(?:beta\.)?organization\./.test(name)

describe.each(sdkMajors)('the methods of @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test('are all in the table, with their requests', async () => {
    const methods = await sdkMethods(Anthropic)
    expect(methods.length).toBeGreaterThan(20)
    for (const method of methods.filter((each) => !isAdministration(each))) {
      expect(rows.find(({ name }) => name === method.name)).toMatchObject(method)
    }
  })

  test('are treated as the table says', async () => {
    for (const method of await sdkMethods(Anthropic)) {
      const kind = isAdministration(method)
        ? 'free'
        : rows.find(({ name }) => name === method.name)?.kind
      if (!helpers.has(method.name))
        expect([method.name, kindOf(method.request)]).toEqual([method.name, kind])
    }
  })

  test('that cost tokens are seen by the meter', async () => {
    await using run = await startMetered(Anthropic)
    for (const { name } of await sdkMethods(Anthropic)) {
      const kind = rows.find((row) => row.name === name)?.kind ?? 'free'
      // Helpers of managed agents go through a client of their own making.
      if (kind === 'free' || name.startsWith('beta.environments.')) continue
      const path = name.split('.').slice(0, -1)
      const resource = path.reduce<object>((owner, key) => Reflect.get(owner, key), run.metered)
      expect([name, Reflect.get(resource, '_client') === run.metered]).toEqual([name, true])
    }
  })
})

test('the table has no row of a method that does not exist', async () => {
  const names = new Set<string>()
  for (const { Anthropic } of sdkMajors as readonly { readonly Anthropic: SdkClass }[]) {
    for (const { name } of await sdkMethods(Anthropic)) names.add(name)
  }
  const explicit = rows.filter(({ name }) => !name.endsWith('*'))
  expect(explicit.filter(({ name }) => !names.has(name))).toEqual([])
  expect(new Set(explicit.map(({ name }) => name)).size).toBe(explicit.length)
})

test.each([
  ['post', '/v1/messages?beta=true', 'metered'],
  ['post', 'v1/messages/', 'metered'],
  ['post', `${base}/v1/messages`, 'metered'],
  ['post', '/v1/complete', 'metered'],
  ['get', `https://proxy.example/x/v1/messages/batches/b/results`, 'metered'],
  ['get', '/v1/messages', 'free'],
  ['post', '/v1/messages/count_tokens', 'free'],
  ['post', '/v1/messages/batches', 'free'],
  ['delete', '/v1/messages/batches/b', 'free'],
  ['post', '/v2/messages', 'free'],
])('%s %s is %s', (method, path, kind) => {
  expect(kindOf(`${method} ${path}`)).toBe(kind)
})

test('managed agents work, and are reported once', async () => {
  const [, , newest] = sdkMajors
  await using run = await startMetered(newest!.Anthropic)
  run.server.serve({ id: 'sesn_1' }, { times: 4 })
  const { sessions } = run.metered.beta
  await sessions.create({ agent: 'agent_1', environment_id: 'env_1' } as never)
  await sessions.events.send('sesn_1', { events: [] })
  await sessions.retrieve('sesn_1')
  await sessions.create({ agent: 'agent_1', environment_id: 'env_1' } as never)
  expect(run.server.requests).toHaveLength(4)
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/managed agents is not metered/),
  ])
})
