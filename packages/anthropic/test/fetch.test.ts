import type { Provider } from '@token-meter/core'
import { startReplayServer } from '@token-meter/testkit'
import type { Recording } from '@token-meter/testkit/internal'
import { describeFetch } from '@token-meter/testkit/internal/suites'
import Anthropic from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import { anthropicProvider, createMeter, memoryOutbox, type UsageRecord } from '../src/index.ts'
import { countedTokens, message, request } from './scripts.ts'

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [anthropicProvider],
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

const asked = ({ stream }: Recording) => ({ ...request, model: 'asked', stream })

describeFetch({
  provider: anthropicProvider as Provider,
  recorded: 'anthropic',
  async askBySdk(meter, baseURL, recording) {
    const client = meter(new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 }), 'cus_1')
    const answer = await client.messages.create(asked(recording))
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
  },
  request: (recording) => ({ path: '/v1/messages?beta=true', body: asked(recording) }),
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
  const observed = run.meter.fetch(({ body }) =>
    body.custom_id === undefined ? 'cus_asking' : body.custom_id === 'a' ? 'cus_a' : undefined,
  )
  const address = `${run.server.url}/v1/messages/batches/batch_fetch/results`
  expect(await (await observed(address)).text()).toBe(lines)
  expect(run.records).toMatchObject([
    { customer: 'cus_a', endpoint: 'messages.batches.results', tokens: countedTokens },
    { customer: 'cus_asking', endpoint: 'messages.batches.results', tokens: countedTokens },
  ])
  const [once] = [run.records.map(({ id }) => id)]
  await (await observed(address)).arrayBuffer()
  expect(run.records.slice(2).map(({ id }) => id)).toEqual(once)
})

test('what no answer tells is told, and what is free goes through untouched', async () => {
  await using run = await start()
  const send: typeof fetch = (url, init) =>
    fetch(run.server.url + new URL(url as string).pathname, init)
  const observed = run.meter.fetch('cus_1', { fetch: send })
  run.server.serve({ input_tokens: 3 }, { times: 3 })
  for (const path of ['messages/count_tokens', 'dreams', 'messages/batches']) {
    const init = { method: 'POST', body: JSON.stringify({ requests: [{ params: request }] }) }
    expect((await observed(`https://api.anthropic.com/v1/${path}`, init)).ok).toBe(true)
  }
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message: said }) => said).join()).toMatch(/the work of dreams/)
})
