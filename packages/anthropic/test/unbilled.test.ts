import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk'
import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import type { AnthropicClient } from '../src/index.ts'
import { type Metered, startMetered, startMeteredClient } from './metered.ts'
import { message, request, streamed } from './scripts.ts'
import { laterMajors, type SdkClient, sdkMajors } from './sdk-majors.ts'

const usage = {
  input_tokens: 2863,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 100_000,
  output_tokens: 1,
}
const tokens = { input: 2863, cachedInput: 100_000, cachedWrite: 0, output: 1 }

interface Refusal {
  readonly category?: unknown
  readonly content?: readonly object[]
  readonly token?: string
  /** Without any `stop_details`. */
  readonly isBare?: boolean
}

const said = { type: 'text', text: 'The first step' }
const detailsOf = ({ category, token, isBare }: Refusal) =>
  isBare
    ? null
    : { type: 'refusal', category, explanation: 'a reason', fallback_credit_token: token ?? null }

const refused = (refusal: Refusal) => ({
  ...message,
  content: refusal.content ?? [],
  stop_reason: 'refusal',
  stop_details: detailsOf(refusal),
  usage,
})

/** The same as a stream. */
function refusedScript(refusal: Refusal): readonly ReplayEvent[] {
  return eventsOf(refusal.content ?? [], {
    stop_reason: 'refusal',
    stop_details: detailsOf(refusal),
  })
}

function eventsOf(
  content: readonly object[],
  delta: object,
  final: object = usage,
): readonly ReplayEvent[] {
  return [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        usage: { ...usage, output_tokens: 1 },
      },
    },
    ...content.flatMap((block, index): ReplayEvent[] => [
      { type: 'content_block_start', index, content_block: block },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_sequence: null, ...delta }, usage: final },
    { type: 'message_stop' },
  ]
}

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

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

function serve(run: Metered, isStream: boolean, refusal: Refusal): void {
  run.server.serve(isStream ? refusedScript(refusal) : refused(refusal))
}

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

const fallback = (from: string, to: string, category?: unknown) => ({
  type: 'fallback',
  from: { model: from },
  to: { model: to },
  ...(category !== undefined && { trigger: { type: 'refusal', category } }),
})
const attempt = (type: string, model: string, input: number, output: number) => ({
  type,
  model,
  input_tokens: input,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  output_tokens: output,
})

describe('attempts that another model took over', () => {
  const [{ Anthropic }] = sdkMajors.slice(-1) as [(typeof sdkMajors)[number]]

  async function record(
    content: readonly object[],
    iterations: readonly object[],
    end: object = { stop_reason: 'end_turn', stop_details: null },
  ) {
    await using run = await startMetered(Anthropic)
    const counts = { input_tokens: 412, output_tokens: 264, iterations }
    run.server.serve({ ...message, content, ...end, usage: { ...counts } })
    run.server.serve(eventsOf(content, end, counts))
    await run.metered.beta.messages.create(request)
    const whole = run.records.splice(0).map(({ model, unbilled }) => [model, unbilled])
    await drain(await run.metered.beta.messages.create(streamed))
    expect(run.records.map(({ model, unbilled }) => [model, unbilled])).toEqual(whole)
    return { attempts: whole, errors: run.errors }
  }

  test('are not billed where they were declined before any output', async () => {
    const { attempts } = await record(
      [fallback('a', 'b', 'cyber'), fallback('b', 'c', 'bio'), said],
      [
        attempt('message', 'a', 408, 1),
        attempt('fallback_message', 'b', 409, 5),
        attempt('fallback_message', 'c', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', 'refusal:cyber'],
      ['b', undefined],
      ['c', undefined],
    ])
  })

  test('are billed where they had put something out', async () => {
    const { attempts } = await record(
      [said, fallback('a', 'b', 'cyber'), fallback('b', 'c', null), said],
      [
        attempt('message', 'a', 408, 30),
        attempt('fallback_message', 'b', 409, 0),
        attempt('fallback_message', 'c', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['b', 'refusal:null'],
      ['c', undefined],
    ])
  })

  test('of several iterations are one', async () => {
    const { attempts } = await record(
      [
        { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
        fallback('a', 'b', 'cyber'),
        said,
      ],
      [
        attempt('message', 'a', 408, 30),
        attempt('message', 'a', 600, 0),
        attempt('fallback_message', 'b', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['a', undefined],
      ['b', undefined],
    ])
  })

  test('without a block that says why have no category', async () => {
    const iterations = [
      attempt('message', 'a', 408, 1),
      attempt('fallback_message', 'b', 409, 7),
      attempt('fallback_message', 'c', 412, 264),
    ]
    const expected = [
      ['a', 'refusal:null'],
      ['b', undefined],
      ['c', undefined],
    ]
    expect((await record([said], iterations)).attempts).toEqual(expected)
    expect((await record([fallback('a', 'c'), said], iterations)).attempts).toEqual(expected)
  })

  test('and the last one, which refuses too', async () => {
    const { attempts, errors } = await record(
      [fallback('a', 'b', 'new_harm')],
      [attempt('message', 'a', 408, 0), attempt('fallback_message', 'b', 412, 264)],
      { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'general_harms' } },
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['b', 'refusal:general_harms'],
    ])
    expect(errors).toHaveLength(2)
    expect(errors[0]?.message).toContain('"new_harm"')
  })

  test('an advisor that was asked is billed whatever came of it', async () => {
    const { attempts } = await record([], [attempt('advisor_message', 'x', 100, 20)], {
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber' },
    })
    expect(attempts).toEqual([
      ['x', undefined],
      [message.model, 'refusal:cyber'],
    ])
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

describe('a retry with a fallback credit', () => {
  const [{ Anthropic }] = sdkMajors.slice(-1) as [(typeof sdkMajors)[number]]
  const written = {
    input_tokens: 2863,
    cache_creation_input_tokens: 100_500,
    cache_read_input_tokens: 0,
    output_tokens: 50,
  }
  const retried = (status: unknown) => ({
    ...message,
    model: 'claude-opus-5',
    usage: { ...written, fallback_credit: { status } },
  })
  const retry = (token: unknown) =>
    ({ ...request, model: 'claude-opus-5', fallback_credit_token: token }) as typeof request

  test.each<[string, boolean, unknown, unknown]>([
    ['redeemed', false, 'token_a', { type: 'redeemed' }],
    ['redeemed', true, { token: 'token_b', mode: 'best_effort' }, 'redeemed'],
  ])('%s, after a refusal that was seen (a stream: %s)', async (_, isStream, presented, status) => {
    await using run = await startMetered(Anthropic)
    const token = typeof presented === 'string' ? presented : 'token_b'
    serve(run, isStream, { category: 'cyber', token })
    run.server.serve(retried(status))
    await (isStream ? ways[5] : ways[1])?.[2](run.metered)
    await run.metered.beta.messages.create(retry(presented))
    expect(run.records[1]?.details).toEqual({ fallbackCredit: 'redeemed', creditedWrite: 100_000 })
    expect(run.records[1]?.tokens).toMatchObject({ cachedInput: 0, cachedWrite: 100_500 })
    expect(JSON.stringify(run.records)).not.toContain(token)
    expect(run.errors).toEqual([])
  })

  test('streamed', async () => {
    await using run = await startMetered(Anthropic)
    serve(run, true, { category: 'cyber', token: 'token_c' })
    const final = { ...written, fallback_credit: { status: { type: 'redeemed' } } }
    run.server.serve(eventsOf([said], { stop_reason: 'end_turn' }, final))
    await drain(await run.metered.beta.messages.create(streamed))
    await drain(await run.metered.beta.messages.create({ ...retry('token_c'), stream: true }))
    expect(run.records[1]?.details).toEqual({ fallbackCredit: 'redeemed', creditedWrite: 100_000 })
  })

  test('not applied, or redeemed for what nobody saw, is priced as written', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(retried({ type: 'not_applied', reason: 'expired' }))
    run.server.serve(retried({ type: 'redeemed' }))
    run.server.serve({
      ...retried({ type: 'redeemed' }),
      usage: { ...usage, fallback_credit: { status: { type: 'redeemed' } } },
    })
    for (let call = 0; call < 3; call++) await run.metered.beta.messages.create(retry('unseen'))
    expect(run.records.map(({ details }) => details)).toEqual([
      { fallbackCredit: 'not_applied' },
      { fallbackCredit: 'unknown' },
      // Nothing was written, so that nothing is unknown.
      { fallbackCredit: 'redeemed' },
    ])
    expect(run.errors).toHaveLength(1)
    expect(run.errors[0]?.message).toContain('fallback credit')
  })
})

describe.each(laterMajors.filter(({ version }) => version === 1))(
  'hops of betaRefusalFallbackMiddleware',
  ({ Anthropic }) => {
    test.each([false, true])(
      'a refused hop, and the credit of the next (stream: %s)',
      async (isStream) => {
        await using run = await startMetered(Anthropic, {
          client: { middleware: [betaRefusalFallbackMiddleware([{ model: 'claude-opus-5' }])] },
        })
        serve(run, isStream, { category: 'cyber', token: `token_hop_${isStream}` })
        const final = {
          input_tokens: 2863,
          cache_creation_input_tokens: 100_000,
          cache_read_input_tokens: 0,
          output_tokens: 50,
          fallback_credit: { status: { type: 'redeemed' } },
        }
        run.server.serve(
          isStream
            ? eventsOf([said], { stop_reason: 'end_turn' }, final)
            : { ...message, model: 'claude-opus-5', usage: final },
        )
        if (isStream) await drain(await run.metered.beta.messages.create(streamed))
        else await run.metered.beta.messages.create(request)
        expect(run.records).toMatchObject([
          { unbilled: 'refusal:cyber', tokens },
          { details: { fallbackCredit: 'redeemed', creditedWrite: 100_000 } },
        ])
        expect(run.records[1]).not.toHaveProperty('unbilled')
        expect(run.errors).toEqual([])
      },
    )
  },
)
