import Anthropic1 from '@anthropic-ai/sdk'
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import { describe, expect, test } from 'vitest'
import { anthropicProvider, ConfigError, createMeter, memoryOutbox } from '../src/index.ts'
import { startMetered, startMeteredClient } from './metered.ts'
import { message, messageScript, request, streamed, weatherTool } from './scripts.ts'
import { laterMajors, type SdkClient, sdkMajors } from './sdk-majors.ts'

const billing_policy = { type: 'billing_policy', bill_to: 'user_profile' } as const
const linked = { ...request, billing_policy }
const linkedStream = { ...streamed, billing_policy }

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

const ways: readonly [string, isStream: boolean, (client: SdkClient) => Promise<unknown>][] = [
  ['messages.create', false, (client) => client.messages.create(linked)],
  ['beta.messages.create', false, (client) => client.beta.messages.create(linked)],
  ['client.post', false, (client) => client.post('/v1/messages', { body: linked })],
  ['a stream', true, async (client) => drain(await client.messages.create(linkedStream))],
  ['a beta stream', true, async (client) => drain(await client.beta.messages.create(linkedStream))],
  ['messages.stream', true, (client) => client.messages.stream(linked).finalMessage()],
  [
    'a stream that is left',
    true,
    async (client) => {
      for await (const _ of await client.messages.create(linkedStream)) break
    },
  ],
  [
    'a stream whose body nobody reads',
    true,
    async (client) => {
      const response = await client.messages.create(linkedStream).asResponse()
      await response.body?.cancel()
    },
  ],
]

describe.each(sdkMajors)('linked billing, @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test.each(ways)('%s is not billed by us', async (_, isStream, call) => {
    await using run = await startMetered(Anthropic)
    run.server.serve(isStream ? messageScript : message)
    await call(run.metered)
    await run.meter.flush()
    expect(run.records).toMatchObject([{ unbilled: 'linked', customer: 'cus_1' }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
    expect(run.errors).toEqual([])
  })

  test.each([[{ bill_to: 'self' }], [null], [undefined], ['user_profile']])(
    'a policy of %j is billed',
    async (policy) => {
      await using run = await startMetered(Anthropic)
      run.server.serve(message)
      await run.metered.messages.create({ ...request, billing_policy: policy } as typeof request)
      expect(run.records[0]).not.toHaveProperty('unbilled')
    },
  )

  test('billed by option, of the client or of the meter', async () => {
    await using run = await startMetered(Anthropic, { billLinked: true })
    run.server.serve(message, { times: 3 })
    await run.metered.messages.create(linked)
    expect(run.records[0]).not.toHaveProperty('unbilled')

    const records: unknown[] = []
    const meter = createMeter({
      providers: [anthropicProvider],
      outbox: memoryOutbox(),
      billLinked: true,
    })
    meter.on('usage', ({ unbilled }) => void records.push(unbilled))
    const client = new Anthropic({ apiKey: 'k', baseURL: run.server.url })
    await meter(client, 'cus_1').messages.create(linked)
    await meter(client, 'cus_1', { billLinked: false }).messages.create(linked)
    expect(records).toEqual([undefined, 'linked'])
    await meter.close()
  })

  test('in a batch, request by request', async () => {
    await using run = await startMetered(Anthropic)
    const params = (isLinked: boolean) => (isLinked ? linked : request) as typeof request
    const results = (...ids: readonly string[]) =>
      Buffer.from(
        ids
          .map((id) => {
            const result = { type: 'succeeded', message: { ...message, id: `msg_${id}` } }
            return JSON.stringify({ custom_id: id, result })
          })
          .join('\n'),
      )
    for (const [id, links] of [
      ['some', { a: true, b: false, c: true }],
      ['all', { a: true, b: true }],
      ['none', { a: false }],
    ] as const) {
      const batchId = `batch_${id}_${String(Math.random())}`
      const results_url = `${run.server.url}/v1/messages/batches/${batchId}/results`
      const batch = { id: batchId, type: 'message_batch', processing_status: 'ended', results_url }
      run.server.serve(batch, { path: '/batches' })
      const requests = Object.entries(links).map(([custom_id, isLinked]) => ({
        custom_id,
        params: params(isLinked),
      }))
      const { batches } = id === 'all' ? run.metered.beta.messages : run.metered.messages
      const created = await (batches as SdkClient['messages']['batches']).create({ requests })
      expect(created.id).toBe(batchId)
      run.server.serve(batch, { path: `/${batchId}` })
      run.server.serve(results(...Object.keys(links)), {
        path: '/results',
        headers: { 'content-type': 'application/x-jsonl' },
      })
      await drain(await run.metered.messages.batches.results(batchId))
    }
    expect(run.records.map(({ unbilled }) => unbilled)).toEqual([
      'linked',
      undefined,
      'linked',
      'linked',
      'linked',
      undefined,
    ])
    expect(run.errors).toEqual([])
  })
})

test.each(laterMajors)(
  'each request of a tool runner, @anthropic-ai/sdk $version',
  async ({ Anthropic }) => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message)
    await run.metered.beta.messages.toolRunner({ ...linked, tools: [weatherTool] } as never)
    expect(run.records).toMatchObject([{ unbilled: 'linked' }])
  },
)

test("a refusal is nobody's, whoever would have been billed", async () => {
  await using run = await startMetered(Anthropic1)
  const refused = { ...message, content: [], stop_reason: 'refusal', stop_details: null }
  run.server.serve(refused)
  await run.metered.beta.messages.create(linked)
  expect(run.records).toMatchObject([{ unbilled: 'refusal:null' }])
})

test('where Anthropic does not bill, the field means nothing', async () => {
  await using run = await startMeteredClient(
    (baseURL) => new AnthropicBedrock({ baseURL, skipAuth: true }),
  )
  run.server.serve(message)
  await (run.metered as unknown as SdkClient).messages.create(linked as typeof request)
  expect(run.records).toHaveLength(1)
  expect(run.records[0]).not.toHaveProperty('unbilled')
})

test('billLinked is true or false', () => {
  const options = { providers: [anthropicProvider], outbox: memoryOutbox() }
  expect(() => createMeter({ ...options, billLinked: 'yes' as never })).toThrow(ConfigError)
  const meter = createMeter(options)
  const client = new Anthropic1({ apiKey: 'k' })
  expect(() => meter(client, 'cus_1', { billLinked: 1 as never })).toThrow(ConfigError)
})
