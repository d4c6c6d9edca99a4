import { expect, onTestFinished, test } from 'vitest'
import { adminApi, type AdminAnswer } from '../src/keys/admin/admin-api.ts'
import { gatewayKeys } from '../src/keys/gateway-keys.ts'
import { refused } from './refused.ts'
import { memoryPlace, sqlitePlace } from './stores.ts'

const adminKey = 'an-admin-key-of-some-length'
const start = Date.parse('2026-11-29T00:00:00Z')
const unknownKey = `tm-${'0'.repeat(16)}-${'a'.repeat(43)}`

function startApi(place = memoryPlace()) {
  const outbox = place.open()
  let time = start
  const now = () => time
  const keys = gatewayKeys({ outbox, now })
  onTestFinished(async () => {
    await keys.close()
    await outbox.close()
  })
  const errors: unknown[] = []
  const api = adminApi(keys, adminKey, { now, onError: (error) => errors.push(error) })
  const ask = async (
    method: string,
    url: string,
    body?: unknown,
    headers = ['Authorization', `Bearer ${adminKey}`],
  ): Promise<AdminAnswer> => {
    const [path = '', query] = url.split('?')
    const bytes = new TextEncoder().encode(
      typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
    )
    const asked = api({ method, path, query: new URLSearchParams(query), headers, body: bytes })
    if (asked === undefined) throw new Error(`${path} is none of its paths`)
    return await asked
  }
  return { keys, ask, api, errors, outbox, pass: (ms: number) => (time += ms) }
}

test('the requests that LiteLLM’s guide makes, as they stand', async () => {
  const { ask, keys } = startApi()
  // --data-raw '{"team_id": "my-unique-id"}', and the same for a user.
  const team = await ask('POST', '/key/generate', '{"team_id": "my-unique-id"}')
  expect(team).toMatchObject({ status: 200, body: { team_id: 'my-unique-id' } })
  const user = await ask('POST', '/key/generate', '{"user_id": "my-unique-id"}')
  const [teamKey, userKey] = [team.body['key'] as string, user.body['key'] as string]
  expect(await keys.authenticate(teamKey)).toMatchObject({ teamId: 'my-unique-id', userId: null })
  expect(await keys.authenticate(userKey)).toMatchObject({ userId: 'my-unique-id', teamId: null })
})

test('a key is generated, shown, changed, rotated, blocked and deleted by fields of these names', async () => {
  const { ask, keys, pass } = startApi()
  const fields = {
    user_id: 'u',
    team_id: 't',
    key_alias: 'ci',
    models: ['gpt-5.4'],
    max_parallel_requests: 4,
    tpm_limit: 1000,
    rpm_limit: 10,
    metadata: { feature: 'chat' },
    customers: ['cus_a'],
    pools: ['team'],
    allow_unknown: true,
    stripe_headers: true,
  }
  const { body } = await ask('POST', '/key/generate', { ...fields, duration: '30d', aliases: null })
  const { key, ...shown } = body
  const id = shown['key_id'] as string
  expect(shown).toEqual({
    ...fields,
    customer: null,
    key_id: id,
    key_name: `tm-${id}-...`,
    expires: '2026-12-29T00:00:00.000Z',
    blocked: false,
    created_at: '2026-11-29T00:00:00.000Z',
    updated_at: '2026-11-29T00:00:00.000Z',
    last_used_at: null,
    grace_until: null,
  })
  for (const name of [key, id, `tm-${id}`]) {
    const info = await ask('GET', `/key/info?key=${name as string}`)
    expect(info).toEqual({ status: 200, body: { key: `tm-${id}-...`, info: shown } })
  }
  pass(1000)
  const changed = await ask('POST', '/key/update', {
    key,
    duration: '1h',
    team_id: null,
    models: [],
  })
  expect(changed.body).toMatchObject({
    expires: '2026-11-29T01:00:01.000Z',
    team_id: null,
    models: [],
    user_id: 'u',
  })
  expect(await keys.authenticate(key as string)).toMatchObject({ models: undefined })
  expect((await ask('POST', '/key/update', { key: id, duration: null })).body).toMatchObject({
    expires: null,
  })

  const rotated = await ask('POST', '/key/rotate', { key, grace_period: '1h' })
  expect(rotated.body).toMatchObject({ key_id: id, grace_until: '2026-11-29T01:00:01.000Z' })
  expect(rotated.body['key']).not.toBe(key)
  await keys.authenticate(key as string)
  await keys.authenticate(rotated.body['key'] as string)

  expect((await ask('POST', '/key/block', { key: id })).body).toMatchObject({ blocked: true })
  expect(await refused(() => keys.authenticate(rotated.body['key'] as string))).toMatchObject({
    status: 401,
  })
  expect((await ask('POST', '/key/unblock', { key: id })).body).toMatchObject({ blocked: false })

  expect((await ask('POST', '/key/delete', { keys: [key] })).body).toEqual({ deleted_keys: [id] })
  expect(await ask('GET', `/key/info?key=${id}`)).toMatchObject({ status: 404 })
  expect(await ask('POST', '/key/delete', { keys: [id] })).toMatchObject({ status: 404 })
})

test('a list has pages, by user, team and alias', async () => {
  const { ask, pass } = startApi()
  for (const index of [0, 1, 2]) {
    pass(1)
    await ask('POST', '/key/generate', { key_alias: `k${index}`, team_id: `t${index % 2}` })
  }
  const page = await ask('GET', '/key/list?size=2&page=2')
  expect(page.body).toMatchObject({
    keys: [{ key_alias: 'k0' }],
    total_count: 3,
    current_page: 2,
    total_pages: 2,
  })
  const ids = (await ask('GET', '/key/list?team_id=t0&return_full_object=false')).body['keys']
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), expect.any(String)])
  const byAlias = await ask('POST', '/key/delete', { key_aliases: ['k0', 'k1'] })
  expect(byAlias.body['deleted_keys']).toHaveLength(2)
})

test.each([
  ['a field that there is not', { user: 'u' }, /"user".*user_id/],
  ['a budget', { max_budget: 5 }, /pool of credits/],
  ['a key of one’s own', { key: 'tm-mine' }, /no option "key"/],
  ['a number in place of a text', { user_id: 5 }, /user_id must be a name/],
  ['text in place of a number', { rpm_limit: '5' }, /rpm_limit must be a whole number/],
  ['no rate', { tpm_limit: 0 }, /tpm_limit must be a whole number from 1 up, got 0/],
  ['a duration without a unit', { duration: '30' }, /duration must be/],
  ['a duration of a number', { duration: 30 }, /duration must be/],
  ['an endless duration', { duration: '99999w' }, /duration must be/],
  ['models that are none', { models: 'gpt-5.4' }, /models must be a list/],
  ['metadata in metadata', { metadata: { a: { b: 1 } } }, /metadata must be an object/],
  ['two bindings', { customer: 'a', customers: ['b'] }, /customers lets it name several/],
  ['a control character', { customer: 'a\u0000' }, /customer must be a name/],
  ['a list', [], /must be a JSON object/],
  ['no JSON', '{"user_id": "tm-secret', /no JSON/],
])('400 with a clear word: %s', async (_, body, message) => {
  const { ask } = startApi()
  const answer = await ask('POST', '/key/generate', body)
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringMatching(message), code: 'invalid_request' } },
  })
  expect(JSON.stringify(answer)).not.toContain('secret')
  expect((await ask('GET', '/key/list')).body).toMatchObject({ total_count: 0 })
})

test('other paths, methods and names of keys are answered clearly', async () => {
  const { ask, api } = startApi()
  const request = { method: 'GET', query: new URLSearchParams(), headers: [] }
  expect(api({ ...request, path: '/keys/info' })).toBeUndefined()
  expect(api({ ...request, path: '/v1/models' })).toBeUndefined()
  expect(await ask('POST', '/key/regenerate', {})).toMatchObject({ status: 404 })
  expect(await ask('GET', '/key/generate')).toMatchObject({ status: 405 })
  expect(await ask('GET', '/key/info')).toMatchObject({ status: 400 })
  expect(await ask('GET', '/key/info?key=a&key=b')).toMatchObject({ status: 400 })
  expect(await ask('GET', '/key/list?size=0')).toMatchObject({ status: 400 })
  expect(await ask('GET', '/key/list?sice=1')).toMatchObject({ status: 400 })
  expect(await ask('POST', '/key/update', { key: unknownKey, user_id: 'u' })).toMatchObject({
    status: 404,
  })
  expect(await ask('POST', '/key/rotate', { key: unknownKey, grace_period: 5 })).toMatchObject({
    status: 400,
  })
  expect(await ask('POST', '/key/block', { key: 5 })).toMatchObject({ status: 400 })
})

test('whoever has not the admin key is told nothing, whatever they ask', async () => {
  const { ask, keys } = startApi()
  const { key } = await keys.generate()
  const wrong = [
    [],
    ['Authorization', `Bearer ${key}`],
    ['Authorization', `Bearer ${adminKey} `.trim().slice(0, -1)],
    ['Authorization', adminKey.toUpperCase()],
    ['x-api-key', adminKey],
    ['Authorization', `Bearer ${adminKey}`, 'authorization', `Bearer ${key}`],
    ['Authorization', `Basic ${adminKey}`],
  ]
  const answers = []
  for (const headers of wrong) {
    answers.push(await ask('GET', `/key/info?key=${key}`, undefined, headers))
    answers.push(await ask('GET', '/key/nothing', undefined, headers))
    answers.push(await ask('POST', '/key/generate', 'no json', headers))
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]).toMatchObject({ status: 401 })
  expect(
    await ask('GET', '/key/list', undefined, ['authorization', `bearer ${adminKey}`]),
  ).toMatchObject({
    status: 200,
  })
})

test('a store that is away is 503, and whoever runs the gateway is told why', async () => {
  const { ask, errors, outbox } = startApi(sqlitePlace())
  await ask('POST', '/key/generate')
  await outbox.close()
  expect(await ask('GET', '/key/list')).toMatchObject({ status: 503 })
  expect(errors).toHaveLength(1)
})
