import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeLago, type ReplayServer, startFakeLago, startReplayServer } from '../src/index.ts'
import type * as Application from './charge-by/application.ts'
import type * as Gateway from './charge-by/gateway.ts'
import type * as Keys from './charge-by/keys.ts'
import type * as Meter from './charge-by/meter.ts'

/** The code of docs/charge-by.md, which these tests run: a file for each block. */
const folder = join(import.meta.dirname, 'charge-by')
const page = readFileSync(new URL('../../../docs/charge-by.md', import.meta.url), 'utf8')

let provider: ReplayServer
let lago: FakeLago
let temporary: string
let meter: typeof Meter.meter
let application: typeof Application
let gateway: typeof Gateway
let addKey: typeof Keys.addKey

beforeAll(async () => {
  provider = await startReplayServer()
  lago = await startFakeLago()
  temporary = mkdtempSync(join(tmpdir(), 'token-meter-charge-by-'))
  // All there is to say to the page's code, which has no options for tests.
  Object.assign(process.env, {
    LAGO_API_KEY: lago.apiKey,
    LAGO_API_URL: lago.url,
    USAGE_DB: join(temporary, 'usage.db'),
    OPENAI_API_KEY: 'sk-test',
    OPENAI_BASE_URL: `${provider.url}/v1`,
    ANTHROPIC_API_KEY: 'sk-test',
    ANTHROPIC_BASE_URL: provider.url,
    GEMINI_API_KEY: 'key',
    GOOGLE_GEMINI_BASE_URL: provider.url,
  })
  meter = (await import('./charge-by/meter.ts')).meter
  application = await import('./charge-by/application.ts')
  gateway = await import('./charge-by/gateway.ts')
  addKey = (await import('./charge-by/keys.ts')).addKey
})

afterAll(async () => {
  await meter.close()
  await provider.close()
  await lago.close()
  rmSync(temporary, { recursive: true, force: true })
})

test('the page has the code that is run here, to the letter', () => {
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code)
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  expect(blocks.toSorted()).toEqual(files.toSorted())
})

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5.4',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hello' } }],
  usage,
}
const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-5.4' }
const script = [
  { ...chunk, choices: [{ index: 0, delta: { content: 'hello' }, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage },
]

/** Whom Lago has charged since the last time, with the attributes. */
let seen = 0
async function charged() {
  await meter.flush()
  const events = lago.events.slice(seen)
  seen = lago.events.length
  return events.map(({ external_subscription_id: id, properties = {} }) => {
    expect(properties).toMatchObject({ input_tokens: 11, output_tokens: 7 })
    const { team, user } = properties
    return { id, ...(team !== undefined && { team }), ...(user !== undefined && { user }) }
  })
}

let keys = 0

async function requestWith(key: Parameters<typeof addKey>[1] | undefined, body: object) {
  const secret = `key-${keys++}`
  if (key !== undefined) await addKey(secret, key)
  return await gateway.chatCompletions(
    new Request('http://gateway/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ model: 'gpt-5.4', messages: [], ...body }),
    }),
  )
}

test('end user, in an application: the user of the request, by each SDK', async () => {
  provider.serve(completion)
  await application.askOpenAI('sub_ann', 'Why?')
  provider.serve({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-6',
    content: [],
    usage: { input_tokens: 11, output_tokens: 7 },
  })
  await application.askClaude('sub_bob', 'Why?')
  provider.serve({
    candidates: [],
    modelVersion: 'gemini-3-flash',
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
  })
  await application.askGemini('sub_eve', 'Why?')
  expect(await charged()).toEqual([{ id: 'sub_ann' }, { id: 'sub_bob' }, { id: 'sub_eve' }])
})

test('end user, in an application: nobody named is refused, and nothing is sent', async () => {
  const before = provider.requests.length
  const nobody = undefined as unknown as string
  await expect(application.askOpenAI(nobody, 'Why?')).rejects.toThrow(/no customer/)
  await expect(application.askClaude(nobody, 'Why?')).rejects.toThrow(/no customer/)
  await expect(application.askGemini(nobody, 'Why?')).rejects.toThrow()
  expect(provider.requests).toHaveLength(before)
  expect(await charged()).toEqual([])
})

test('end user, in a gateway: one that the key may name', async () => {
  provider.serve(completion)
  const key = { chargeBy: 'end-user', team: 'acme', endUsers: ['sub_ann', 'sub_bob'] } as const
  const answer = await requestWith(key, { user: 'sub_bob' })
  expect(await answer.json()).toEqual(completion)
  expect(await charged()).toEqual([{ id: 'sub_bob', team: 'acme' }])
})

test.each([{ user: 'sub_of_another' }, {}, { user: 7 }, { user: null }])(
  'end user, in a gateway: %j is refused, and nothing is sent',
  async (body) => {
    const before = provider.requests.length
    const answer = await requestWith({ chargeBy: 'end-user', endUsers: ['sub_ann'] }, body)
    expect(answer.status).toBe(403)
    expect(provider.requests).toHaveLength(before)
    expect(await charged()).toEqual([])
  },
)

test("the key's user pays, whatever the request says", async () => {
  provider.serve(completion)
  const key = { chargeBy: 'user', user: 'sub_ann' } as const
  const answer = await requestWith(key, { user: 'sub_of_another' })
  expect(await answer.json()).toEqual(completion)
  expect(await charged()).toEqual([{ id: 'sub_ann', user: 'sub_ann' }])
})

test("the key's team pays, and the user is below it; streamed, as the provider sent it", async () => {
  provider.serve(script)
  const key = { chargeBy: 'team', team: 'sub_acme', user: 'ann' } as const
  const answer = await requestWith(key, { user: 'sub_of_another', stream: true })
  expect(answer.headers.get('content-type')).toMatch(/event-stream/)
  const text = await answer.text()
  expect(text).toContain('"content":"hello"')
  expect(text).not.toContain('usage')
  expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  expect(await charged()).toEqual([{ id: 'sub_acme', team: 'sub_acme', user: 'ann' }])
})

test.each(['user', 'team'] as const)('a key without a %s cannot be charged by it', async (by) => {
  const before = provider.requests.length
  expect((await requestWith({ chargeBy: by }, { user: 'sub_ann' })).status).toBe(403)
  expect(provider.requests).toHaveLength(before)
})

test('an unknown key, and what the provider refuses', async () => {
  expect((await requestWith(undefined, {})).status).toBe(401)
  provider.serve({ error: { message: 'no such model' } }, { status: 404 })
  const answer = await requestWith({ chargeBy: 'team', team: 'sub_acme' }, {})
  expect(answer.status).toBe(404)
  expect(await answer.json()).toEqual({ error: { message: 'no such model' } })
  expect(await charged()).toEqual([])
})
