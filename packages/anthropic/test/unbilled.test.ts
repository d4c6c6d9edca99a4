import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import { describe, expect, test } from 'vitest'
import type { AnthropicClient } from '../src/index.ts'
import { startMetered, startMeteredClient } from './metered.ts'
import { drain, refused, said, serve, tokens } from './refusal-scripts.ts'
import { message, request, streamed } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

type Way = [name: string, isStream: boolean, call: (client: SdkClient) => Promise<unknown>]
const ways: readonly Way[] = [
  ['messages.create', false, (client) => client.messages.create(request)],
  ['beta.messages.create', false, (client) => client.beta.messages.create(request)],
  ['client.post', false, (client) => client.post('/v1/messages', { body: request })],
  [
    'asResponse',
    false,
    async (client) => (await client.messages.create(request).asResponse()).text(),
  ],
  ['a stream', true, async (client) => drain(await client.messages.create(streamed))],
  ['a beta stream', true, async (client) => drain(await client.beta.messages.create(streamed))],
  ['messages.stream', true, (client) => client.messages.stream(request).finalMessage()],
]

describe.each(sdkMajors)('refusals, @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test.each(ways)('before any output are not billed: %s', async (_, isStream, call) => {
    await using run = await startMetered(Anthropic)
    serve(run, isStream, { category: 'cyber' })
    await call(run.metered)
    expect(run.records).toMatchObject([
      { unbilled: 'refusal:cyber', tokens, customer: 'cus_1', outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test.each(ways)('after some output are billed: %s', async (_, isStream, call) => {
    await using run = await startMetered(Anthropic)
    serve(run, isStream, { category: 'cyber', content: [said] })
    await call(run.metered)
    expect(run.records).toMatchObject([{ tokens }])
    expect(run.records[0]).not.toHaveProperty('unbilled')
  })

  test.each<[unknown, string | undefined]>([
    ['general_harms', 'refusal:general_harms'],
    [null, 'refusal:null'],
    [undefined, 'refusal:null'],
    ['bio', undefined],
    ['frontier_llm', undefined],
    ['reasoning_extraction', undefined],
  ])('the category %s decides', async (category, unbilled) => {
    await using run = await startMetered(Anthropic)
    for (const isStream of [false, true]) {
      serve(run, isStream, { category })
      await (isStream ? ways[4] : ways[0])?.[2](run.metered)
    }
    expect(run.records.map((record) => record.unbilled)).toEqual([unbilled, unbilled])
    expect(run.errors).toEqual([])
  })

  test('a refusal without details has no category', async () => {
    await using run = await startMetered(Anthropic)
    serve(run, false, { isBare: true })
    await run.metered.messages.create(request)
    expect(run.records).toMatchObject([{ unbilled: 'refusal:null', tokens }])
  })

  test('a category that nobody knows is billed, and told', async () => {
    await using run = await startMetered(Anthropic)
    serve(run, false, { category: 'nuclear' })
    serve(run, true, { category: 'nuclear' })
    await run.metered.messages.create(request)
    await drain(await run.metered.messages.create(streamed))
    expect(run.records).toMatchObject([{ tokens }, { tokens }])
    for (const record of run.records) expect(record).not.toHaveProperty('unbilled')
    expect(run.errors).toHaveLength(2)
    expect(run.errors[0]?.message).toContain('"nuclear"')
  })

  test('in the results of a batch', async () => {
    await using run = await startMetered(Anthropic)
    const line = (custom_id: string, answer: object) =>
      JSON.stringify({
        custom_id,
        result: { type: 'succeeded', message: { ...answer, id: custom_id } },
      })
    const lines = [
      line('a', refused({ category: 'cyber' })),
      line('b', refused({ category: 'bio' })),
      line('c', refused({ category: null, content: [said] })),
      line('d', message),
    ]
    const results_url = `${run.server.url}/v1/messages/batches/batch_1/results`
    run.server.serve(
      { id: 'batch_1', processing_status: 'ended', results_url },
      { path: '/batch_1' },
    )
    run.server.serve(Buffer.from(lines.join('\n')), {
      path: '/results',
      headers: { 'content-type': 'application/x-jsonl' },
    })
    await drain(await run.metered.messages.batches.results('batch_1'))
    const expected = ['refusal:cyber', undefined, undefined, undefined]
    expect(run.records.map(({ unbilled }) => unbilled)).toEqual(expected)
  })
})

describe('platforms that say nothing of free refusals bill them', () => {
  const auth = { getClient: async () => ({ projectId: 'p', getRequestHeaders: async () => ({}) }) }
  test.each<[string, (baseURL: string) => AnthropicClient]>([
    ['Bedrock', (baseURL: string) => new AnthropicBedrock({ baseURL, skipAuth: true })],
    [
      'Vertex',
      (baseURL: string) =>
        new AnthropicVertex({ baseURL, region: 'r', projectId: 'p', googleAuth: auth as never }),
    ],
  ])('%s', async (_, newClient) => {
    await using run = await startMeteredClient(newClient)
    run.server.serve(refused({ category: 'cyber' }))
    await (run.metered as unknown as SdkClient).messages.create(request)
    expect(run.records).toMatchObject([{ tokens }])
    expect(run.records[0]).not.toHaveProperty('unbilled')
    expect(run.errors).toEqual([])
  })
})
