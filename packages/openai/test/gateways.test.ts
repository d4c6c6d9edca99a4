import { modelSlug } from '@token-meter/core/sink'
import { describe, expect, test } from 'vitest'
import { readChat, serveEvents, startAtHost } from './at-host.ts'
import { chatCompletion, chatRequest, chatScript, chatUsage, countedTokens } from './scripts.ts'
import { type SdkClass, sdkMajors } from './sdk-majors.ts'

/** A gateway's base URL, the model asked for, the model its answer names, and what is recorded. */
const gateways: readonly (readonly [
  baseURL: string,
  asked: string,
  answered: string,
  provider: string,
  slug: string,
])[] = [
  [
    'https://ai-gateway.vercel.sh/v1',
    'anthropic/claude-sonnet-4.6',
    'anthropic/claude-sonnet-4.6',
    'vercel',
    'anthropic/claude-sonnet-4.6',
  ],
  [
    'https://openrouter.ai/api/v1',
    'anthropic/claude-sonnet-4.5:nitro',
    'anthropic/claude-4.5-sonnet-20250929',
    'openrouter',
    'anthropic/claude-sonnet-4.5',
  ],
  [
    'https://openrouter.ai/api/v1',
    'meta-llama/llama-3.3-70b-instruct:free',
    'meta-llama/llama-3.3-70b-instruct:free',
    'openrouter',
    'meta/llama-3.3-70b-instruct:free',
  ],
  [
    'https://gateway.ai.cloudflare.com/v1/acc/gw/openai',
    'gpt-5.4',
    'gpt-5.4-2026-03-05',
    'openai',
    'openai/gpt-5.4',
  ],
  [
    'https://gateway.ai.cloudflare.com/v1/acc/gw/compat',
    'anthropic/claude-sonnet-4-5',
    'claude-sonnet-4-5-20250929',
    'cloudflare',
    'anthropic/claude-sonnet-4.5',
  ],
  ['https://oai.helicone.ai/v1', 'gpt-5.4', 'gpt-5.4-2026-03-05', 'openai', 'openai/gpt-5.4'],
  [
    'https://ai-gateway.helicone.ai',
    'claude-4.5-sonnet/anthropic',
    'claude-sonnet-4-5-20250929',
    'helicone',
    'anthropic/claude-sonnet-4.5',
  ],
  ['https://api.portkey.ai/v1', '@prod/gpt-5.4', 'gpt-5.4-2026-03-05', 'portkey', 'openai/gpt-5.4'],
  [
    'http://litellm.internal:8080',
    'anthropic/claude-sonnet-4-6',
    'claude-sonnet-4-6',
    'litellm',
    'anthropic/claude-sonnet-4.6',
  ],
  // Nothing says what this is, but for the model.
  [
    'https://llm.company.example/v1',
    'anthropic/claude-sonnet-4.6',
    'anthropic/claude-sonnet-4.6',
    'openai',
    'anthropic/claude-sonnet-4.6',
  ],
  [
    'https://llm.stripe.com',
    'google/gemini-3-flash',
    'gemini-3-flash',
    'stripe',
    'google/gemini-3-flash',
  ],
]

describe.each(sdkMajors)('gateways through openai $major', ({ OpenAI }) => {
  test.each(gateways)('%s, %s', async (baseURL, asked, answered, provider, slug) => {
    await using run = await startAtHost(OpenAI, baseURL)
    run.server.serve({ ...chatCompletion, model: answered })
    run.server.serve(
      chatScript.map((chunk) => ({ ...chunk, model: answered })),
      { times: 2 },
    )
    await run.metered.chat.completions.create({ ...chatRequest, model: asked })
    const chunks = await readChat(run.raw, asked)
    expect(await readChat(run.metered, asked)).toEqual(chunks)
    expect(run.records).toHaveLength(2)
    for (const record of run.records) {
      expect(record).toMatchObject({ provider, model: answered, requestedModel: asked })
      expect(modelSlug(record.provider, record.model)).toBe(slug)
      // A response that names no model falls back on the request.
      expect(modelSlug(record.provider, asked)).toBe(slug)
    }
    expect(run.records[0]).toMatchObject({ tokens: countedTokens, outcome: 'complete' })
    // OpenRouter is not asked, because it sends its usage anyway: below.
    const isAsked = provider !== 'openrouter'
    expect(run.records[1]?.outcome).toBe(isAsked ? 'complete' : 'estimated')
    if (isAsked) expect(run.records[1]?.tokens).toEqual(countedTokens)
  })

  test("OpenRouter's cost, its upstream's, searches and the key's owner are kept", async () => {
    const usage = {
      ...chatUsage,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 0, audio_tokens: 0 },
      cost: 0.0025,
      is_byok: true,
      cost_details: {
        upstream_inference_cost: 0.05,
        upstream_inference_prompt_cost: 0.01,
        upstream_inference_completions_cost: 0.04,
      },
      server_tool_use: { web_search_requests: 3 },
    }
    const routed = { provider: 'Anthropic', model: 'anthropic/claude-sonnet-4.6' }
    await using run = await startAtHost(OpenAI, 'https://openrouter.ai/api/v1')
    run.server.serve({ ...chatCompletion, ...routed, usage })
    const events = [...chatScript.slice(0, -1), { ...chatScript.at(-1), usage }]
    serveEvents(
      run,
      events.map((event) => ({ ...event, ...routed })),
      2,
    )
    await run.metered.chat.completions.create(chatRequest)
    const chunks = await readChat(run.metered, 'anthropic/claude-sonnet-4.6')
    // The usage that OpenRouter always sends is the caller's to see.
    expect(chunks).toEqual(await readChat(run.raw, 'anthropic/claude-sonnet-4.6'))
    expect(chunks.at(-1)).toContain('upstream_inference_cost')
    expect(run.records).toHaveLength(2)
    for (const record of run.records) {
      expect(record).toMatchObject({
        tokens: countedTokens,
        outcome: 'complete',
        details: { providerCostUsd: 0.0025, upstreamCostUsd: 0.05, webSearchRequests: 3 },
      })
      expect(record.raw).toEqual(usage)
    }
  })

  test("Vercel's cost is kept, its market cost with the raw usage", async () => {
    const usage = { ...chatUsage, cost: 0.00042, market_cost: 0.00051, is_byok: false }
    await using run = await startAtHost(OpenAI, 'https://ai-gateway.vercel.sh/v1')
    run.server.serve({ ...chatCompletion, model: 'openai/gpt-5.4', usage })
    run.server.serve([...chatScript.slice(0, -1), { ...chatScript.at(-1), usage }])
    await run.metered.chat.completions.create(chatRequest)
    await readChat(run.metered, 'openai/gpt-5.4')
    expect(run.records).toHaveLength(2)
    for (const record of run.records) {
      expect(record).toMatchObject({ tokens: countedTokens, details: { providerCostUsd: 0.00042 } })
      expect(record.raw).toEqual(usage)
    }
  })
})

const vercel = { 'stripe-customer-id': 'cus_secret', 'stripe-restricted-access-key': 'rk_secret' }
let hosts = 0
/** Each test warns at a host of its own: a host is warned of once in a process. */
const newHost = (ending: string) => `https://g${++hosts}.${ending}`

describe.each(sdkMajors)("a gateway's own billing through openai $major", ({ OpenAI }) => {
  const asked = async (
    clientOptions: object,
    requestOptions?: object,
    baseURL = newHost('ai-gateway.vercel.sh/v1'),
    times = 1,
  ) => {
    await using run = await startAtHost(OpenAI as SdkClass, baseURL, { client: clientOptions })
    run.server.serve(chatCompletion, { times })
    for (let call = 0; call < times; call++) {
      await run.metered.chat.completions.create(chatRequest, requestOptions)
    }
    const warnings = run.errors.map(({ message }) => message)
    return { warnings, sent: run.server.requests[0]?.headers ?? {}, records: run.records }
  }

  const billed: readonly (readonly [string, object, object | undefined])[] = [
    ["the client's headers", { defaultHeaders: vercel }, undefined],
    ["the request's", {}, { headers: vercel }],
    [
      'one of each',
      { defaultHeaders: { 'Stripe-Restricted-Access-Key': 'rk_secret' } },
      { headers: { 'Stripe-Customer-Id': 'cus_secret' } },
    ],
    ['Headers', { defaultHeaders: new Headers(vercel) }, undefined],
    ['pairs', { defaultHeaders: Object.entries(vercel) }, undefined],
  ]
  test.each(billed)(
    '%s are warned of, once, and the call is recorded',
    async (_, client, request) => {
      const { warnings, sent, records } = await asked(client, request, undefined, 3)
      expect(sent).toMatchObject(vercel)
      expect(warnings).toEqual([
        expect.stringMatching(
          /^customers would be billed twice: calls to g\d+\.ai-gateway\.vercel/,
        ),
      ])
      expect(warnings[0]).not.toMatch(/_secret/)
      expect(records).toHaveLength(3)
    },
  )

  test.each([
    ['half of the pair', { defaultHeaders: { 'stripe-customer-id': 'cus_secret' } }, undefined],
    [
      'a header that the request takes out',
      { defaultHeaders: vercel },
      { headers: { 'stripe-customer-id': null } },
    ],
    ['other headers', { defaultHeaders: { 'x-title': 'App' } }, { headers: { 'x-more': '1' } }],
  ])('%s is no billing', async (_, client, request) => {
    const { warnings, sent } = await asked(client, request)
    expect(Object.keys(vercel).every((name) => name in sent)).toBe(false)
    expect(warnings).toEqual([])
  })

  test.each(['llm.stripe.com', 'ai-gateway.helicone.ai/v1'])(
    'x-stripe-customer-id at %s',
    async (ending) => {
      const defaultHeaders = { 'X-Stripe-Customer-ID': 'cus_secret' }
      const { warnings } = await asked({ defaultHeaders }, undefined, newHost(ending))
      expect(warnings).toEqual([expect.stringContaining('carry x-stripe-customer-id, by which')])
    },
  )

  test('of a clone, and of a plain post', async () => {
    await using run = await startAtHost(OpenAI, newHost('ai-gateway.vercel.sh/v1'))
    run.server.serve(chatCompletion, { times: 2 })
    await run.metered.chat.completions.create(chatRequest)
    expect(run.errors).toEqual([])
    await run.metered.post('/chat/completions', { body: chatRequest, headers: vercel })
    expect(run.errors).toHaveLength(1)

    await using cloned = await startAtHost(OpenAI, newHost('ai-gateway.vercel.sh/v1'))
    cloned.server.serve(chatCompletion)
    const clone = cloned.metered.withOptions({ defaultHeaders: vercel })
    await clone.chat.completions.create(chatRequest)
    expect(cloned.errors).toHaveLength(1)
  })
})
