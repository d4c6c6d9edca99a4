import { readFileSync } from 'node:fs'
import type { Provider } from '@token-meter/core'
import { type ReplayEvent, type Reply, startReplayServer } from '@token-meter/testkit'
import type { Recording } from '@token-meter/testkit/internal'
import { describeFetch } from '@token-meter/testkit/internal/suites'
import { GoogleGenAI } from '@google/genai'
import { expect, test } from 'vitest'
import { createMeter, googleProvider, memoryOutbox, type UsageRecord } from '../src/index.ts'
import { readAll } from './metered.ts'
import { contentAnswer, countedTokens, model, request } from './scripts.ts'

console.warn = () => {}

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [googleProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    meter,
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

describeFetch({
  provider: googleProvider as Provider,
  recorded: 'google',
  async askBySdk(meter, baseUrl, { endpoint, stream }) {
    const client = meter(new GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl } }), 'cus_1')
    const content = { model: 'asked', contents: 'hi' }
    if (endpoint === 'interactions') {
      const asked = { model: 'asked', input: 'hi', stream }
      const answer: unknown = await client.interactions.create(asked as never)
      if (stream) await readAll(answer as AsyncIterable<unknown>)
    } else if (stream) await readAll(await client.models.generateContentStream(content))
    else await client.models.generateContent(content)
  },
  request({ endpoint, stream }) {
    if (endpoint === 'interactions') {
      return { path: '/v1beta/interactions', body: { model: 'asked', input: 'hi', stream } }
    }
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
    const body = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }
    return { path: `/v1beta/models/asked:${method}`, body }
  },
  reply: replied,
  comparable: (record) => ({
    ...record,
    ...(record.endpoint === 'interactions' && { responseId: undefined }),
  }),
})

/** An interaction is billed once in a process, by its id. */
function replied({ file, stream }: Recording, id: string): Reply {
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${id}_`)
  if (!stream) return JSON.parse(text) as ReplayEvent
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as ReplayEvent)
}

test('a batch and its file, through any host: to whoever created it, each answer once', async () => {
  await using run = await start()
  const name = 'batches/of-a-fetch'
  const created = { name, metadata: { model: `models/${model}`, state: 'BATCH_STATE_PENDING' } }
  const file = 'files/batch-of-a-fetch'
  const finished = {
    ...created,
    metadata: { ...created.metadata, output: { responsesFile: file } },
  }
  const lines = [{ response: contentAnswer }, { error: { code: 3 } }, { response: contentAnswer }]
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  run.server.serve(created)
  run.server.serve(finished, { times: 2 })
  run.server.serve(Buffer.from(text), { times: 2 })
  const host = `${run.server.url}/some-gateway/v1beta`
  const [creator, other] = ['cus_creator', 'cus_other'].map((id) => run.meter.fetch(id))
  const init = { method: 'POST', body: JSON.stringify({ batch: { displayName: 'b' } }) }
  await (await creator!(`${host}/models/${model}:batchGenerateContent`, init)).json()
  for (let poll = 0; poll < 2; poll++) await (await other!(`${host}/${name}`)).json()
  expect(run.records).toEqual([])
  for (let read = 0; read < 2; read++) {
    expect(await (await other!(`${host}/${file}:download?alt=media`)).text()).toBe(text)
  }
  const record = { customer: 'cus_creator', endpoint: 'batches', tokens: countedTokens }
  expect(run.records).toMatchObject([record, record])
  expect(run.errors).toEqual([])
})

test('what no answer tells is told, and what is free goes through untouched', async () => {
  await using run = await start()
  const send: typeof fetch = (url, init) =>
    fetch(run.server.url + new URL(url as string).pathname, init)
  const observed = run.meter.fetch('cus_1', { fetch: send })
  const host = 'https://generativelanguage.googleapis.com'
  run.server.serve({ totalTokens: 3 }, { times: 2 })
  const init = { method: 'POST', body: JSON.stringify({ contents: request.contents }) }
  for (const path of [`models/${model}:countTokens`, 'cachedContents']) {
    expect((await observed(`${host}/v1beta/${path}`, init)).ok).toBe(true)
  }
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message }) => message).join()).toMatch(/^[^,]*caches/)
})
