import { readFileSync } from 'node:fs'
import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { type ReplayEvent, type Reply, startReplayServer } from '@token-meter/testkit'
import { type Recording, recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { GoogleGenAI } from '@google/genai'
import { describe, expect, test } from 'vitest'
import { createMeter, googleProvider, memoryOutbox, type UsageRecord } from '../src/index.ts'
import { googleWire } from '../src/wire.ts'
import { readAll } from './metered.ts'
import { contentAnswer, countedTokens, model, request } from './scripts.ts'

interface FetchClient {
  readonly fetch: typeof fetch
}

const fetchProvider: Provider<FetchClient> = {
  name: 'fetch',
  clientDescription: 'an object with a fetch',
  recognises: (client): client is FetchClient => 'fetch' in client && !('models' in client),
  observe: (client, observer, options) => ({
    ...client,
    fetch: observeFetch(client.fetch, { observer, protocols: [googleWire], ...options }),
  }),
}

console.warn = () => {}

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [googleProvider, fetchProvider],
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

type Run = Awaited<ReturnType<typeof start>>

/** A record without what is its own whichever way the call is made. */
function withoutOwn(record: UsageRecord): object {
  const { raw, ...own } = record
  const isOfInteraction = record.endpoint === 'interactions'
  const responseId = isOfInteraction ? undefined : record.responseId
  return { ...own, raw, id: undefined, at: undefined, requestId: undefined, responseId }
}

const recorded = recordings().filter(({ provider }) => provider === 'google')

describe.skipIf(recordingsAreAbsent())('a fetch records what the SDK records', () => {
  test.each(recorded)('$name', async (recording) => {
    await using run = await start()
    run.server.serve(replied(recording, 'sdk'))
    run.server.serve(replied(recording, 'fetch'))
    await throughSdk(run, recording)
    await throughFetch(run, recording)
    const half = run.records.length / 2
    expect(run.records.slice(half).map(withoutOwn)).toEqual(
      run.records.slice(0, half).map(withoutOwn),
    )
    expect(half).toBe(recording.expected.length)
    expect(run.errors).toEqual([])
  })
})

async function throughSdk(run: Run, { endpoint, stream }: Recording): Promise<void> {
  const raw = new GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: run.server.url } })
  const client = run.meter(raw, 'cus_1')
  const content = { model: 'asked', contents: 'hi' }
  if (endpoint === 'interactions') {
    const asked = { model: 'asked', input: 'hi', stream }
    const answer: unknown = await client.interactions.create(asked as never)
    if (stream) await readAll(answer as AsyncIterable<unknown>)
  } else if (stream) await readAll(await client.models.generateContentStream(content))
  else await client.models.generateContent(content)
}

async function throughFetch(run: Run, { endpoint, stream }: Recording): Promise<void> {
  const isInteraction = endpoint === 'interactions'
  const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
  const path = isInteraction ? 'interactions' : `models/asked:${method}`
  const asked = isInteraction
    ? { model: 'asked', input: 'hi', stream }
    : { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }
  const observed = run.meter({ fetch }, 'cus_1')
  const init = { method: 'POST', body: JSON.stringify(asked) }
  const response = await observed.fetch(`${run.server.url}/v1beta/${path}`, init)
  expect(await response.text()).not.toBe('')
}

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
  const [creator, other] = ['cus_creator', 'cus_other'].map((id) => run.meter({ fetch }, id))
  const init = { method: 'POST', body: JSON.stringify({ batch: { displayName: 'b' } }) }
  await (await creator!.fetch(`${host}/models/${model}:batchGenerateContent`, init)).json()
  for (let poll = 0; poll < 2; poll++) await (await other!.fetch(`${host}/${name}`)).json()
  expect(run.records).toEqual([])
  for (let read = 0; read < 2; read++) {
    expect(await (await other!.fetch(`${host}/${file}:download?alt=media`)).text()).toBe(text)
  }
  const record = { customer: 'cus_creator', endpoint: 'batches', tokens: countedTokens }
  expect(run.records).toMatchObject([record, record])
  expect(run.errors).toEqual([])
})

test('what no answer tells is told, and what is free goes through untouched', async () => {
  await using run = await start()
  const observed = run.meter({ fetch }, 'cus_1')
  run.server.serve({ totalTokens: 3 }, { times: 2 })
  const init = { method: 'POST', body: JSON.stringify({ contents: request.contents }) }
  for (const path of [`models/${model}:countTokens`, 'cachedContents']) {
    expect((await observed.fetch(`${run.server.url}/v1beta/${path}`, init)).ok).toBe(true)
  }
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message }) => message).join()).toMatch(/^[^,]*caches/)
})
