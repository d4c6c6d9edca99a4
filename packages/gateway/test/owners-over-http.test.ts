/** Keys, who pays, and whose what is, as callers meet them: real SDKs and bare requests against a gateway. */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { toFile } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { type AskedRequest, completion, startProvider } from './provider.ts'
import type { RunningOptions } from './running.ts'
import { startGateway } from './running.ts'

const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 }

/** Makes what it is asked for, each with an id of its own. */
function made({ method, url }: AskedRequest, id: number): object {
  if (method !== 'POST') return { id: url, object: 'file' }
  const message = { type: 'message', id: `msg_${id}`, role: 'assistant', content: [] }
  const response = { id: `resp_${id}`, object: 'response', model: 'gpt-5', status: 'completed' }
  const answers: Readonly<Record<string, object>> = {
    files: { id: `file-${id}`, object: 'file' },
    batches: { id: `batch_${id}`, object: 'batch', status: 'validating' },
    responses: { ...response, output: [message], usage },
    messages: { ...message, model: 'claude', usage },
    completions: completion(id, { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }),
  }
  return answers[url.split('?')[0]?.split('/').at(-1) ?? ''] ?? {}
}

const adminKey = 'admin-key-of-the-test'

async function start(options: RunningOptions = {}) {
  const provider = await startProvider(made)
  const running = await startGateway(provider.url, { adminKey, ...options })
  onTestFinished(async () => running[Symbol.asyncDispose]())
  const admin = async (path: string, body?: object) => {
    const answer = await fetch(`${running.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return {
      status: answer.status,
      body: (await answer.json()) as Readonly<Record<string, unknown>>,
    }
  }
  const generate = async (fields: object) => {
    const { status, body } = await admin('/key/generate', fields)
    expect(status).toBe(200)
    return body['key'] as string
  }
  const ask = async (path: string, key: string | undefined, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
    const answer = await fetch(`${running.url}${path}`, { ...init, headers })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: JSON.parse(text) as unknown,
    }
  }
  const openai = (apiKey: string) =>
    new OpenAI({ apiKey, baseURL: `${running.url}/v1`, maxRetries: 0 })
  return { provider, running, admin, generate, ask, openai }
}

const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const chat = { model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }] }

test('the guide of LiteLLM, with a key for a team and one for a user', async () => {
  const { generate, openai, running } = await start()
  const team = await generate({ team_id: 'my-unique-id' })
  const user = await generate({ user_id: 'my-user-id' })
  for (const key of [team, user]) {
    await openai(key).chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'this is a test request, write a short poem' }],
      user: 'my_customer_id',
    })
  }
  expect(running.records.map(({ customer }) => customer)).toEqual(['my-unique-id', 'my-user-id'])
})

test('another customer’s file, batch and response are as if there were none', async () => {
  const { generate, openai, provider, ask } = await start()
  const [anna, ben] = await Promise.all([
    generate({ customer: 'cus_anna' }),
    generate({ customer: 'cus_ben' }),
  ])
  const mine = openai(anna)
  const file = await mine.files.create({ file: await toFile(Buffer.from('{}')), purpose: 'batch' })
  const endpoint = '/v1/responses'
  const batch = { input_file_id: file.id, endpoint, completion_window: '24h' } as const
  const { id: batchId } = await mine.batches.create(batch)
  const response = await mine.responses.create({ model: 'gpt-5', input: 'hi' })
  await mine.responses.create({ model: 'gpt-5', input: 'on', previous_response_id: response.id })
  await mine.files.retrieve(file.id)
  await mine.batches.retrieve(batchId)

  const before = provider.asked.length
  const other = openai(ben)
  const notFound = expect.objectContaining({ status: 404 })
  await expect(other.files.retrieve(file.id)).rejects.toEqual(notFound)
  await expect(other.files.content(file.id)).rejects.toEqual(notFound)
  await expect(other.files.delete(file.id)).rejects.toEqual(notFound)
  await expect(other.batches.retrieve(batchId)).rejects.toEqual(notFound)
  await expect(other.batches.cancel(batchId)).rejects.toEqual(notFound)
  await expect(other.batches.create(batch)).rejects.toEqual(notFound)
  await expect(other.responses.retrieve(response.id)).rejects.toEqual(notFound)
  await expect(
    other.responses.create({ model: 'gpt-5', input: 'on', previous_response_id: response.id }),
  ).rejects.toEqual(notFound)
  await expect(
    other.responses.create({ model: 'gpt-5', input: [{ type: 'item_reference', id: `msg_3` }] }),
  ).rejects.toEqual(notFound)
  await expect(mine.files.retrieve('file-unknown')).rejects.toEqual(notFound)
  await expect(other.files.list()).rejects.toEqual(expect.objectContaining({ status: 403 }))
  // In disguise.
  const disguised = [
    `/v1/files/${file.id.replace('-', '%2D')}`,
    `/v1/files/x/../${file.id}`,
    `/v1/files//${file.id}`,
    `/openai/v1/files/${file.id}`,
    `/v1/files/${file.id}/content`,
  ]
  for (const path of disguised) {
    const { status } = await ask(path, ben)
    expect([400, 404]).toContain(status)
  }
  expect(provider.asked.length).toBe(before)
})

test('of Anthropic too, in its own way to say so', async () => {
  const { generate, running } = await start()
  const client = (apiKey: string) => new Anthropic({ apiKey, baseURL: running.url, maxRetries: 0 })
  const [anna, ben] = [await generate({ customer: 'a' }), await generate({ customer: 'b' })]
  const file = await client(anna).beta.files.upload({
    file: await toFile(Buffer.from('x'), 'x.txt'),
  })
  await client(anna).beta.files.retrieveMetadata(file.id)
  const refused = client(ben).messages.create({
    model: 'claude',
    max_tokens: 1,
    messages: [
      {
        role: 'user',
        content: [{ type: 'document', source: { type: 'file', file_id: file.id } as never }],
      },
    ],
  })
  await expect(refused).rejects.toMatchObject({
    status: 404,
    error: { type: 'error', error: { type: 'not_found_error' } },
  })
})

test('keys are enumerated by nobody: every wrong one has the same answer', async () => {
  const { generate, admin, ask, provider } = await start()
  const key = await generate({ customer: 'a' })
  const blocked = await generate({ customer: 'a' })
  await admin('/key/block', { key: blocked })
  const wrong = [
    blocked,
    `${key.slice(0, -43)}${'a'.repeat(43)}`,
    `tm-${'0'.repeat(16)}-${'a'.repeat(43)}`,
    'tm-',
    adminKey,
    'sk-1234',
  ]
  const answers = await Promise.all(
    wrong.map((each) => ask('/v1/chat/completions', each, post(chat))),
  )
  const told = answers.map(({ status, body }) => JSON.stringify({ status, body }))
  expect(new Set(told).size).toBe(1)
  expect(answers[0]?.status).toBe(401)
  expect(provider.asked).toHaveLength(0)
  expect((await ask('/key/list', key)).status).toBe(401)
})

test('a key is taken from each place, never two of them, and goes no further', async () => {
  const { generate, ask, provider, running } = await start()
  const key = await generate({ customer: 'a' })
  const other = await generate({ customer: 'b' })
  for (const name of ['x-api-key', 'api-key', 'x-goog-api-key', 'x-token-meter-key']) {
    const { status } = await ask(
      '/openai/v1/chat/completions',
      undefined,
      post(chat, { [name]: key }),
    )
    expect([name, status]).toEqual([name, 200])
    const both = await ask('/openai/v1/chat/completions', other, post(chat, { [name]: key }))
    expect([name, both.status]).toEqual([name, 401])
  }
  expect((await ask(`/openai/v1/chat/completions?key=${key}`, undefined, post(chat))).status).toBe(
    200,
  )
  expect((await ask(`/openai/v1/chat/completions?key=${key}`, other, post(chat))).status).toBe(401)
  expect(JSON.stringify(provider.asked)).not.toContain(key)
  expect(JSON.stringify(running.entries)).not.toContain(key.slice(-43))
  expect(new Set(running.records.map(({ customer }) => customer))).toEqual(new Set(['a']))
})

test('a customer is smuggled in by nobody', async () => {
  const { generate, ask, provider, running } = await start()
  const bound = await generate({ customer: 'cus_own' })
  const naming = await generate({ customers: ['cus_a'] })
  const path = '/v1/chat/completions'
  const send = (key: string, headers: Readonly<Record<string, string>>, body: unknown = chat) =>
    ask(path, key, post(body, headers))
  const before = provider.asked.length
  expect((await send(bound, { 'stripe-customer-id': 'cus_other' })).status).toBe(403)
  expect((await send(naming, { 'stripe-customer-id': 'cus_other' })).status).toBe(403)
  expect((await send(naming, {}, { ...chat, user: 'cus_other' })).status).toBe(403)
  expect((await send(naming, { 'stripe-customer-id': 'cus_a, cus_b' })).status).toBe(400)
  expect((await send(naming, { 'stripe-customer-id': '' })).status).toBe(400)
  const twice = `{"user":"cus_a",${JSON.stringify(chat).slice(1, -1)},"user":"cus_other"}`
  expect((await send(naming, {}, twice)).status).toBe(400)
  const secret = 'rk_test_canary'
  const both = { 'stripe-customer-id': 'cus_a', 'stripe-restricted-access-key': secret }
  const refused = await send(naming, both)
  expect(refused.status).toBe(403)
  expect(refused.text).not.toContain(secret)
  expect(provider.asked.length).toBe(before)

  expect((await send(naming, { 'x-stripe-customer-id': 'cus_a' })).status).toBe(200)
  expect((await send(bound, {}, { ...chat, user: 'cus_other' })).status).toBe(200)
  expect(running.records.map(({ customer }) => customer)).toEqual(['cus_a', 'cus_own'])
  expect(provider.asked.at(-2)?.headers).not.toHaveProperty('x-stripe-customer-id')
})

test('beyond its rate a key is told when to come again', async () => {
  const { generate, ask } = await start()
  const key = await generate({ customer: 'a', rpm_limit: 2 })
  const statuses = []
  for (let count = 0; count < 3; count++) {
    const answer = await ask('/v1/chat/completions', key, post(chat))
    statuses.push(answer.status)
    if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect(statuses).toEqual([200, 200, 429])
})

test('usage of a request is shown to its own customer; what it cost, to the admin', async () => {
  const { generate, ask } = await start()
  const key = await generate({ customer: 'a' })
  const other = await generate({ customer: 'b' })
  const said = await ask('/v1/chat/completions', key, post(chat))
  const path = `/usage/${said.headers.get('x-token-meter-request-id')}`
  const own = await ask(path, key)
  expect(own).toMatchObject({
    status: 200,
    body: { customer: 'a', tokens: { input: 3, output: 2 }, billed: null },
  })
  expect(own.body).not.toHaveProperty('cost')
  expect((await ask(path, adminKey)).body).toMatchObject({ cost: null, records: [{ cost: null }] })
  const wrong = [
    await ask(path, other),
    await ask('/usage/01999999-0000-7000-8000-000000000000', key),
    await ask('/usage/x', key),
  ]
  expect(new Set(wrong.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  expect(wrong[0]?.status).toBe(404)
  expect((await ask(path, undefined)).status).toBe(401)
  expect((await ask(path, key, post({}))).status).toBe(405)
})

test('a gateway without keys lets its callers name each other’s customers, and keeps apart what they made', async () => {
  const { openai } = await start({ adminKey: undefined, chargeBy: 'end_user_id' })
  const client = openai('anything')
  const made = await client.responses.create({
    model: 'gpt-5',
    input: 'hi',
    user: 'my_customer_id',
  })
  await client.responses.retrieve(made.id)
  const foreign = { model: 'gpt-5', input: 'on', previous_response_id: made.id, user: 'other' }
  await expect(client.responses.create(foreign)).rejects.toMatchObject({ status: 404 })
})
