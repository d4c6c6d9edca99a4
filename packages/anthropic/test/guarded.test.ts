import {
  RefusedError,
  refuses,
  startGuarded,
  type WatchedGuard,
} from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { anthropicProvider, type Customer } from '../src/index.ts'
import { until } from './metered.ts'
import { message, request } from './scripts.ts'
import { laterMajors, type SdkClass, sdkMajors } from './sdk-majors.ts'

function start(
  Anthropic: SdkClass,
  first?: WatchedGuard['first'],
  { customer = 'cus_1' as Customer, client = {} } = {},
) {
  return startGuarded(
    anthropicProvider,
    (baseURL, more) =>
      new Anthropic({ apiKey: 'sk-test', baseURL, maxRetries: 0, ...client, ...more }),
    { ...(first && { first }), customer },
  )
}

let batches = 0
const line = (custom_id: string, type: string) =>
  JSON.stringify({
    custom_id,
    result: { type, message: { ...message, id: `msg_${custom_id}` }, error: {} },
  })

/** Serves the creation of a batch, and its results. */
function serveBatch(run: Awaited<ReturnType<typeof start>>, ...lines: string[]): string {
  const id = `batch_held_${batches++}`
  const results_url = `${run.server.url}/v1/messages/batches/${id}/results`
  const batch = { id, type: 'message_batch', processing_status: 'ended', results_url }
  run.server.serve(batch, { path: '/batches' })
  run.server.serve(batch, { path: `/${id}`, times: 9 })
  run.server.serve(Buffer.from(`${lines.join('\n')}\n`), {
    path: '/results',
    times: 9,
    headers: { 'content-type': 'application/x-jsonl' },
  })
  return id
}

const newBatch = {
  requests: ['a', 'b', 'c'].map((custom_id) => ({ custom_id, params: request })),
} as never

describe.each(sdkMajors)('batches under a guard on @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test('are held for when they are created, and settled by the first result that is billed', async () => {
    await using run = await start(Anthropic)
    const id = serveBatch(run, line('a', 'errored'), line('b', 'succeeded'), line('c', 'succeeded'))
    await run.metered.messages.batches.create(newBatch)
    expect(run.guard.asked[0]?.bounds()).toMatchObject({ answers: 3 })
    const name = `anthropic messages.batches anthropic ${id}`
    expect(run.guard.ends).toEqual([[`kept ${name}`]])
    for await (const _ of await run.metered.messages.batches.results(id));
    expect(run.outbox.appends).toEqual([
      { records: 1, holdIds: [`job:${name}`] },
      { records: 1, holdIds: [] },
    ])
    expect(run.errors).toEqual([])
  })

  test('are refused before they are created', async () => {
    await using run = await start(Anthropic, refuses)
    await expect(run.metered.messages.batches.create(newBatch)).rejects.toThrow(RefusedError)
    expect(run.server.requests).toEqual([])
  })

  test('are not asked about where nobody knows yet who pays', async () => {
    await using run = await start(Anthropic, refuses, { customer: () => undefined })
    serveBatch(run)
    await run.metered.messages.batches.create(newBatch)
    expect(run.guard.asked).toEqual([])
    expect(run.errors).toEqual([])
  })
})

describe.each(laterMajors)(
  'middleware under a guard on @anthropic-ai/sdk $version',
  ({ Anthropic }) => {
    const failsOver = async (
      sent: unknown,
      next: (sent: unknown) => Promise<Response>,
    ): Promise<Response> => {
      const first = await next(sent)
      return first.ok ? first : await next(sent)
    }

    test('its attempts are under one hold, which the one that is answered settles', async () => {
      await using run = await start(Anthropic, undefined, { client: { middleware: [failsOver] } })
      run.server.serve({ error: { message: 'busy' } }, { status: 503 })
      run.server.serve(message)
      await run.metered.messages.create(request as never)
      expect(run.guard.asked).toHaveLength(1)
      expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
      expect(run.guard.ends).toEqual([['settled']])
    })

    test('an answer that it makes itself gives back what is held', async () => {
      const answers = async () =>
        new Response(JSON.stringify(message), { headers: { 'content-type': 'application/json' } })
      await using run = await start(Anthropic, undefined, { client: { middleware: [answers] } })
      await run.metered.messages.create(request as never)
      await until(() => run.guard.ends[0]?.length !== 0, 'it is given back')
      expect(run.guard.ends).toEqual([['released']])
      expect(run.records).toEqual([])
    })
  },
)

test.each(sdkMajors)(
  'a fetch that answers a refusal makes @anthropic-ai/sdk $version throw an error of its own, once',
  async ({ Anthropic }) => {
    await using run = await start(Anthropic, refuses)
    const fetch = run.meter.fetch('cus_1', { onRefused: 'respond' })
    const client = run.newClient({ fetch, maxRetries: 2 })
    const refused = await client.messages.create(request as never).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Anthropic.APIError)
    expect(refused).toMatchObject({
      status: 402,
      error: { type: 'error', error: { code: 'insufficient_credits', required: '0.20' } },
    })
    expect(run.guard.asked).toHaveLength(1)
    expect(run.server.requests).toEqual([])
  },
)
