import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { startReplayServer } from '@token-meter/testkit'
import { recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { anthropicProvider, createMeter, memoryOutbox, type UsageRecord } from '../src/index.ts'
import { anthropicWire } from '../src/wire.ts'
import { countedTokens, message, request } from './scripts.ts'

interface FetchClient {
  readonly fetch: typeof fetch
}

const fetchProvider: Provider<FetchClient> = {
  name: 'fetch',
  clientDescription: 'an object with a fetch',
  recognises: (client): client is FetchClient => 'fetch' in client && !('messages' in client),
  observe: (client, observer, options) => ({
    ...client,
    fetch: observeFetch(client.fetch, { observer, protocols: [anthropicWire], ...options }),
  }),
}

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [anthropicProvider, fetchProvider],
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

/** A record without what is its own whichever way the call is made. */
function withoutOwn(record: UsageRecord): object {
  return { ...record, id: undefined, at: undefined, requestId: undefined }
}

const recorded = recordings().filter(({ provider }) => provider === 'anthropic')

describe.skipIf(recordingsAreAbsent())('a fetch records what the SDK records', () => {
  test.each(recorded)('$name', async ({ file, stream, expected }) => {
    await using run = await start()
    run.server.serve(file, { times: 2 })
    const baseURL = run.server.url
    const client = run.meter(new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 }), 'cus_1')
    const asked = { ...request, model: 'asked', stream }
    const answer = await client.messages.create(asked)
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
    const observed = run.meter({ fetch }, 'cus_1')
    const init = { method: 'POST', body: JSON.stringify(asked) }
    const response = await observed.fetch(`${baseURL}/v1/messages?beta=true`, init)
    expect(await response.text()).not.toBe('')
    const half = run.records.length / 2
    expect(run.records.slice(half).map(withoutOwn)).toEqual(
      run.records.slice(0, half).map(withoutOwn),
    )
    expect(half).toBe(expected.length)
    expect(run.errors).toEqual([])
  })
})

test('the lines of a batch are billed as they are downloaded, each to whom it names', async () => {
  await using run = await start()
  const line = (custom_id: string, id: string) =>
    JSON.stringify({ custom_id, result: { type: 'succeeded', message: { ...message, id } } })
  const failed = JSON.stringify({ custom_id: 'c', result: { type: 'errored' } })
  const lines = `${line('a', 'msg_fa')}\n${failed}\n${line('b', 'msg_fb')}\n`
  run.server.serve(Buffer.from(lines), {
    times: 2,
    headers: { 'content-type': 'application/x-jsonl' },
  })
  const observed = run.meter({ fetch }, ({ body }) =>
    body.custom_id === undefined ? 'cus_asking' : body.custom_id === 'a' ? 'cus_a' : undefined,
  )
  const address = `${run.server.url}/v1/messages/batches/batch_fetch/results`
  expect(await (await observed.fetch(address)).text()).toBe(lines)
  expect(run.records).toMatchObject([
    { customer: 'cus_a', endpoint: 'messages.batches.results', tokens: countedTokens },
    { customer: 'cus_asking', endpoint: 'messages.batches.results', tokens: countedTokens },
  ])
  const [once] = [run.records.map(({ id }) => id)]
  await (await observed.fetch(address)).arrayBuffer()
  expect(run.records.slice(2).map(({ id }) => id)).toEqual(once)
})

test('what no answer tells is told, and what is free goes through untouched', async () => {
  await using run = await start()
  const observed = run.meter({ fetch }, 'cus_1')
  run.server.serve({ input_tokens: 3 }, { times: 3 })
  for (const path of ['messages/count_tokens', 'dreams', 'messages/batches']) {
    const init = { method: 'POST', body: JSON.stringify({ requests: [{ params: request }] }) }
    expect((await observed.fetch(`${run.server.url}/v1/${path}`, init)).ok).toBe(true)
  }
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message: said }) => said).join()).toMatch(/the work of dreams/)
})
