import AnthropicAws from '@anthropic-ai/aws-sdk'
import AnthropicBedrock, { AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import AnthropicFoundry from '@anthropic-ai/foundry-sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import { describe, expect, test } from 'vitest'
import type { AnthropicClient } from '../src/index.ts'
import { startMeteredClient } from './metered.ts'
import { countedTokens, message, messageScript, request, streamed } from './scripts.ts'
import type { SdkClient } from './sdk-majors.ts'

type NewClient = (baseURL: string) => AnthropicClient

const noAuth = { getClient: async () => ({ projectId: 'p', getRequestHeaders: async () => ({}) }) }

const platforms: readonly [name: string, provider: string, newClient: NewClient][] = [
  [
    'AnthropicBedrock',
    'bedrock',
    (baseURL) => new AnthropicBedrock({ baseURL, skipAuth: true, maxRetries: 0 }),
  ],
  [
    'AnthropicBedrockMantle',
    'bedrock',
    (baseURL) => new AnthropicBedrockMantle({ baseURL, skipAuth: true, maxRetries: 0 }),
  ],
  [
    'AnthropicVertex',
    'vertex',
    (baseURL) =>
      new AnthropicVertex({
        baseURL,
        region: 'us-east5',
        projectId: 'p',
        googleAuth: noAuth as never,
        maxRetries: 0,
      }),
  ],
  [
    'AnthropicFoundry',
    'azure',
    (baseURL) => new AnthropicFoundry({ baseURL, apiKey: 'k', maxRetries: 0 }),
  ],
  [
    'AnthropicAws',
    'anthropic',
    (baseURL) => new AnthropicAws({ baseURL, apiKey: 'k', workspaceId: 'w', maxRetries: 0 }),
  ],
]

describe.each(platforms)('%s', (_, provider, newClient) => {
  test('every call is recorded once, and named by its platform', async () => {
    await using run = await startMeteredClient(newClient)
    const client = run.metered as SdkClient
    run.server.serve(message, { times: 3 })
    run.server.serve(messageScript, { times: 2 })
    await client.messages.create(request)
    await client.beta.messages.create(request)
    await client.withOptions({ timeout: 5000 }).messages.create(request)
    for await (const _ of await client.messages.create(streamed));
    await client.messages.stream(request).finalMessage()
    expect(run.server.requests).toHaveLength(5)
    expect(run.records.map(({ tokens }) => tokens)).toEqual(Array(5).fill(countedTokens))
    expect(run.records.every((record) => record.provider === provider)).toBe(true)
    expect(run.records.every(({ requestedModel }) => requestedModel === request.model)).toBe(true)
    expect(run.errors).toEqual([])
  })

  test('it stays an instance of its class', async () => {
    await using run = await startMeteredClient(newClient)
    expect(run.metered.constructor).toBe(run.raw.constructor)
    expect(Object.keys(run.metered)).toEqual(Object.keys(run.raw))
  })

  test('the option says who serves it where a proxy hides that', async () => {
    await using run = await startMeteredClient(newClient, { provider: 'my-gateway' })
    run.server.serve(message)
    await (run.metered as SdkClient).messages.create(request)
    expect(run.records).toMatchObject([{ provider: 'my-gateway' }])
  })
})

test.each([
  ['https://openrouter.ai/api', 'openrouter'],
  ['https://api.deepseek.com/anthropic', 'deepseek'],
  ['https://api.z.ai/api/anthropic', 'zai'],
  ['https://llm.internal.example', 'anthropic'],
])('the host names the provider: %s is %s', async (baseURL, provider) => {
  const { default: Anthropic } = await import('@anthropic-ai/sdk')
  const fetch = async () => Response.json(message)
  await using run = await startMeteredClient(
    () => new Anthropic({ apiKey: 'k', baseURL, fetch, maxRetries: 0 }),
  )
  await run.metered.messages.create(request)
  expect(run.records).toMatchObject([{ provider }])
})
