/** Secrets stand in nothing that is kept, said or answered. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { openaiProvider } from '@token-meter/openai'
import { createMeter } from '@token-meter/core'
import { createGateway, gatewayKeys } from '@token-meter/gateway'
import type { AccessEntry } from '../src/access-entry.ts'
import { completion, startProvider } from './provider.ts'
import { type Place, postgresPlace, postgresServer, sqlitePlace } from './stores.ts'

const server = postgresServer()
const adminKey = 'admin-canary-4711'
const upstreamKey = 'sk-upstream-canary-4711'
const restrictedKey = 'rk_test_canary4711'
const prompt = 'prompt-canary-4711'

/** All that a SQLite database is made of. */
function filesOf(path: string): string {
  const folder = dirname(path)
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(folder, entry.name), 'latin1'))
    .join('\n')
}

/** Every row of every table of a schema. */
async function rowsOf(schema: string): Promise<string> {
  const client = new Client({ connectionString: server.url })
  await client.connect()
  try {
    const tables = await client.query<{ table_name: string }>(
      'SELECT table_name FROM information_schema.tables WHERE table_schema = $1',
      [schema],
    )
    const rows: string[] = []
    for (const { table_name: name } of tables.rows) {
      const found = await client.query<{ row: string }>(
        `SELECT t::text AS row FROM ${schema}.${name} AS t`,
      )
      rows.push(`${name}:`, ...found.rows.map(({ row }) => row))
    }
    return rows.join('\n')
  } finally {
    await client.end()
  }
}

async function run(place: Place) {
  const provider = await startProvider((_, count) =>
    completion(count, { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 }),
  )
  const outbox = place.open()
  const said: unknown[] = []
  const tell = (error: unknown) => void said.push(String(error), (error as Error).stack)
  const meter = createMeter({ providers: [openaiProvider], outbox, sinks: [], onError: tell })
  const keys = gatewayKeys({ outbox, shared: outbox.store?.kind === 'postgres', onError: tell })
  const entries: AccessEntry[] = []
  const gateway = createGateway({
    meter,
    keys,
    adminKey,
    upstreams: { openai: { baseUrl: provider.url, apiKey: upstreamKey } },
    onError: (what, cause) => void said.push(what, String(cause)),
    accessLog: (entry) => void entries.push(entry),
  })
  const { url } = await gateway.listen({ port: 0 })
  let isOver = false
  const end = async () => {
    if (isOver) return
    isOver = true
    await gateway.close({ timeoutMs: 100 })
    await keys.close()
    await meter.close()
    await outbox.close()
  }
  onTestFinished(end)

  const admin = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const ask = async (path: string, headers: Readonly<Record<string, string>>, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${url}${path}`, { ...init, headers })
    const text = await answer.text()
    said.push(text, JSON.stringify([...answer.headers]))
    return { status: answer.status, body: JSON.parse(text) as Readonly<Record<string, unknown>> }
  }
  const limits = { rpm_limit: 100, tpm_limit: 100_000, max_parallel_requests: 10 }
  const limited = { customers: ['cus_1'], stripe_headers: true, ...limits }
  const { key } = (await ask('/key/generate', admin, limited)).body as { key: string }
  const { key: rotated } = (await ask('/key/rotate', admin, { key, grace_period: '1h' })).body as {
    key: string
  }
  // What these two say is where a key is shown, once.
  said.length = 0
  const json = { 'content-type': 'application/json' }
  const chat = {
    model: 'gpt-test',
    user: 'cus_1',
    store: true,
    messages: [{ role: 'user', content: prompt }],
  }
  const path = '/openai/v1/chat/completions'
  const stripe = {
    'stripe-customer-id': 'cus_2',
    'stripe-restricted-access-key': restrictedKey,
  }
  const passed = [
    await ask(path, { ...json, authorization: `Bearer ${key}` }, chat),
    await ask(path, { ...json, 'x-api-key': rotated }, chat),
    await ask(`${path}?key=${rotated}`, json, chat),
  ]
  expect(passed.map(({ status }) => status)).toEqual([200, 200, 200])
  // The restricted key alone: it bills nobody.
  await ask(
    path,
    { ...json, 'x-api-key': rotated, 'stripe-restricted-access-key': restrictedKey },
    chat,
  )
  const refused = [
    await ask(path, { ...json, authorization: `Bearer ${key}`, 'x-api-key': rotated }, chat),
    await ask(
      path,
      { ...json, 'x-api-key': rotated, ...stripe, 'x-stripe-customer-id': 'b' },
      chat,
    ),
    await ask(`/openai/v1/files/${rotated}`, { 'x-api-key': key }),
    await ask('/key/info', admin),
    await ask('/key/update', admin, { key: rotated, user_id: 5 }),
    await ask('/key/generate', admin, { key: rotated }),
    await ask('/key/generate', { authorization: `Bearer ${rotated}` }, {}),
    await ask(`/usage/x`, { 'x-api-key': key }),
  ]
  for (const { status } of refused) expect(status).toBeGreaterThanOrEqual(400)
  await ask(`/key/info?key=${key}`, admin)
  await ask('/key/list', admin)
  await ask('/key/block', admin, { key })
  await end()
  return { keys: [key, rotated], said: `${said.join('\n')}\n${JSON.stringify(entries)}`, provider }
}

test.each([
  [
    'SQLite',
    () => sqlitePlace(),
    async (place: Place) => filesOf((place as ReturnType<typeof sqlitePlace>).path),
  ],
  [
    'Postgres',
    () => postgresPlace(server),
    async (place: Place) => rowsOf((place as ReturnType<typeof postgresPlace>).schema),
  ],
] as const)('no secret and no prompt is kept on %s, logged, or answered', async (_, open, read) => {
  const place = open()
  const { keys, said, provider } = await run(place)
  const kept = await read(place)
  // What is looked through is what is looked for.
  expect(kept).toContain('gateway_keys')
  expect(kept).toContain(
    createHash('sha256')
      .update(keys[1] ?? '')
      .digest('hex'),
  )
  expect(kept).toContain('customer:cus_1')
  const secrets = [
    ...keys.map((key) => key.slice(-43)),
    adminKey,
    upstreamKey,
    restrictedKey,
    prompt,
  ]
  for (const secret of secrets) {
    expect(kept.includes(secret)).toBe(false)
    expect(said.includes(secret)).toBe(false)
  }
  const sent = JSON.stringify(provider.asked)
  for (const secret of [...keys, adminKey, restrictedKey]) expect(sent.includes(secret)).toBe(false)
  expect(sent).toContain(upstreamKey)
})
