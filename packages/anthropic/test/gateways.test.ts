import { modelSlug } from '@token-meter/core/sink'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { countedTokens, message, messageScript, request, streamed, usage } from './scripts.ts'
import { type SdkClass, type SdkClient, sdkMajors } from './sdk-majors.ts'

/** A client that has a real gateway's base URL, and reaches the local server all the same. */
async function startAtHost(Anthropic: SdkClass, baseURL: string, client: object = {}) {
  let address = ''
  const redirect = (url: string, init: RequestInit) => fetch(address + new URL(url).pathname, init)
  const run = await startMetered(Anthropic, { client: { ...client, baseURL, fetch: redirect } })
  address = run.server.url
  return run
}

async function read(client: SdkClient, model: string): Promise<string[]> {
  const events: string[] = []
  for await (const event of await client.messages.create({ ...streamed, model })) {
    events.push(JSON.stringify(event))
  }
  return events
}

const answeredBy = (model: string) =>
  messageScript.map((event) =>
    event.type === 'message_start'
      ? { ...event, message: { ...(event.message as object), model } }
      : event,
  )

const cloudflare = 'https://gateway.ai.cloudflare.com/v1/acc/gw/anthropic'
const slug = 'anthropic/claude-sonnet-4.6'

describe.each(sdkMajors)('gateways through @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test.each([
    [
      'https://openrouter.ai/api',
      'anthropic/claude-sonnet-4.6',
      'anthropic/claude-4.6-sonnet-20260217',
      'openrouter',
      slug,
    ],
    [
      'https://ai-gateway.vercel.sh',
      'anthropic/claude-sonnet-4.6',
      'anthropic/claude-sonnet-4.6',
      'vercel',
      slug,
    ],
    [cloudflare, 'claude-sonnet-4-6', 'claude-sonnet-4-6', 'anthropic', slug],
    ['https://anthropic.helicone.ai', 'claude-sonnet-4-6', 'claude-sonnet-4-6', 'anthropic', slug],
    [
      'https://ai-gateway.helicone.ai',
      'claude-sonnet-4-6/anthropic',
      'claude-sonnet-4-6',
      'helicone',
      slug,
    ],
    ['http://localhost:4000', 'anthropic/claude-sonnet-4-6', 'claude-sonnet-4-6', 'litellm', slug],
    ['https://llm.company.example', 'gpt-5.4', 'gpt-5.4-2026-03-05', 'anthropic', 'openai/gpt-5.4'],
    [
      'https://api.deepseek.com/anthropic',
      'deepseek-chat',
      'deepseek-chat',
      'deepseek',
      'deepseek/deepseek-chat',
    ],
    ['https://api.anthropic.com', 'claude-sonnet-4-6', 'claude-sonnet-4-6', 'anthropic', slug],
  ])('%s, %s', async (baseURL, asked, answered, provider, expected) => {
    await using run = await startAtHost(Anthropic, baseURL)
    run.server.serve({ ...message, model: answered })
    run.server.serve(answeredBy(answered), { times: 2 })
    await run.metered.messages.create({ ...request, model: asked })
    expect(await read(run.metered, asked)).toEqual(await read(run.raw, asked))
    expect(run.records).toHaveLength(2)
    for (const record of run.records) {
      expect(record).toMatchObject({
        provider,
        model: answered,
        requestedModel: asked,
        tokens: countedTokens,
        outcome: 'complete',
      })
      expect(modelSlug(record.provider, record.model)).toBe(expected)
      expect(modelSlug(record.provider, asked)).toBe(expected)
    }
    expect(run.errors).toEqual([])
  })

  test("OpenRouter's zeros at the start, and its cost at the end", async () => {
    const cost = { cost: 0.0025, is_byok: true, cost_details: { upstream_inference_cost: 0.05 } }
    const zeros = {
      ...usage,
      input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
    }
    const events = messageScript.map((event) => {
      if (event.type === 'message_start') {
        return {
          ...event,
          message: { ...(event.message as object), usage: { ...zeros, output_tokens: 0 } },
        }
      }
      return event.type === 'message_delta' ? { ...event, usage: { ...usage, ...cost } } : event
    })
    await using run = await startAtHost(Anthropic, 'https://openrouter.ai/api')
    run.server.serve({ ...message, usage: { ...usage, ...cost } })
    run.server.serve(events)
    await run.metered.messages.create(request)
    await read(run.metered, 'anthropic/claude-sonnet-4.6')
    expect(run.records).toHaveLength(2)
    for (const record of run.records) {
      expect(record).toMatchObject({
        tokens: countedTokens,
        details: { providerCostUsd: 0.0025, upstreamCostUsd: 0.05 },
        raw: cost,
      })
    }
  })
})

let hosts = 0

describe.each(sdkMajors)(
  "a gateway's own billing through @anthropic-ai/sdk $version",
  ({ Anthropic }) => {
    const vercel = {
      'stripe-customer-id': 'cus_secret',
      'stripe-restricted-access-key': 'rk_secret',
    }
    const asked = async (clientOptions: object, requestOptions?: object) => {
      // A host of its own: one is warned of once in a process.
      const baseURL = `https://g${++hosts}.ai-gateway.vercel.sh`
      await using run = await startAtHost(Anthropic, baseURL, clientOptions)
      run.server.serve(message, { times: 2 })
      await run.metered.messages.create(request, requestOptions)
      await run.metered.messages.create(request, requestOptions)
      expect(run.records).toHaveLength(2)
      const warnings = run.errors.map(({ message: text }) => text)
      return { warnings, sent: run.server.requests[0]?.headers ?? {} }
    }

    const billed: readonly (readonly [string, object, object | undefined])[] = [
      ["the client's headers", { defaultHeaders: vercel }, undefined],
      ['Headers', { defaultHeaders: new Headers(vercel) }, undefined],
      ["the request's", {}, { headers: vercel }],
    ]
    test.each(billed)('%s are warned of, once', async (_, clientOptions, requestOptions) => {
      const { warnings, sent } = await asked(clientOptions, requestOptions)
      expect(sent).toMatchObject(vercel)
      expect(warnings).toEqual([expect.stringMatching(/^customers would be billed twice/)])
      expect(warnings[0]).not.toMatch(/_secret/)
    })

    test('taken out by the request, they are no billing', async () => {
      const { warnings } = await asked(
        { defaultHeaders: vercel },
        { headers: { 'stripe-customer-id': null } },
      )
      expect(warnings).toEqual([])
    })
  },
)
