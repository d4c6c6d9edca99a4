import { describe, expect, test } from 'vitest'
import { AzureOpenAI } from 'openai'
import { startMetered } from './metered.ts'
import { chatRequest, chatScript, countedTokens } from './scripts.ts'
import { type SdkClass, type SdkClient, sdkMajors } from './sdk-majors.ts'

const streamed = { ...chatRequest, stream: true } as const

async function read(client: SdkClient, request: object = streamed): Promise<string[]> {
  const chunks: string[] = []
  for await (const chunk of await client.chat.completions.create(request as typeof streamed)) {
    chunks.push(JSON.stringify(chunk))
  }
  return chunks
}

const askedForUsage = (body: unknown) =>
  (body as { stream_options?: { include_usage?: boolean } }).stream_options?.include_usage

describe.each(sdkMajors)('include_usage on openai $major', ({ OpenAI }) => {
  test('explicitly declined: asked for all the same, and hidden', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript, { times: 2 })
    const request = { ...streamed, stream_options: { include_usage: false } }
    expect(await read(run.metered, request)).toEqual(await read(run.raw, request))
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
  })

  test('an empty chunk of the provider passes through', async () => {
    await using run = await startMetered(OpenAI)
    const filtered = [{ choices: [], prompt_filter_results: [] }, ...chatScript]
    run.server.serve(filtered, { times: 2 })
    const chunks = await read(run.metered)
    expect(chunks).toEqual(await read(run.raw))
    expect(chunks[0]).toContain('prompt_filter_results')
  })

  test('refused by the server: sent again without it, once, and remembered', async () => {
    await using run = await startMetered(OpenAI)
    const refusal = { error: { message: 'stream_options: Extra inputs are not permitted' } }
    run.server.serve(refusal, { status: 400 })
    run.server.serve(chatScript, { times: 2 })
    expect(await read(run.metered)).toHaveLength(5)
    expect(await read(run.metered)).toHaveLength(5)
    expect(run.server.requests.map(({ body }) => askedForUsage(body))).toEqual([
      true,
      undefined,
      undefined,
    ])
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['estimated', 'estimated'])
    expect(run.errors[0]?.message).toMatch(/no count for input and output/)
  })

  test("any other 400 is the caller's", async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve({ error: { message: 'messages: too long' } }, { status: 400 })
    await expect(read(run.metered)).rejects.toMatchObject({ status: 400 })
    expect(run.server.requests).toHaveLength(1)
  })

  test("a refusal of the option that the caller gave himself is the caller's", async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve({ error: { message: 'stream_options not allowed' } }, { status: 400 })
    const request = { ...streamed, stream_options: { include_usage: true } }
    await expect(read(run.metered, request)).rejects.toMatchObject({ status: 400 })
    expect(run.server.requests).toHaveLength(1)
  })

  test.each([
    ['https://api.openai.com/v1', undefined, true],
    ['https://api.mistral.ai/v1', undefined, undefined],
    ['https://adb-1.azuredatabricks.net/serving-endpoints', undefined, undefined],
    ['https://api.mistral.ai/v1', true, true],
    ['https://api.openai.com/v1', false, undefined],
    ['https://openrouter.ai/api/v1', undefined, undefined],
    ['https://api.groq.com/openai/v1', undefined, undefined],
    ['https://api.deepseek.com/v1', undefined, true],
  ])('%s with includeUsage %s', async (baseURL, includeUsage, expected) => {
    let address = ''
    const client = {
      baseURL,
      fetch: (url: string, init: RequestInit) => fetch(address + new URL(url).pathname, init),
    }
    const options = includeUsage === undefined ? {} : { includeUsage }
    await using run = await startMetered(OpenAI, { client, ...options })
    address = run.server.url
    run.server.serve(chatScript)
    await read(run.metered)
    expect(askedForUsage(run.server.requests[0]?.body)).toBe(expected)
  })

  test('a server under a name of its own is asked as one that nobody knows is', async () => {
    await using run = await startMetered(OpenAI, { provider: 'our-gpus' })
    run.server.serve(chatScript)
    await read(run.metered)
    expect(run.records).toMatchObject([
      { provider: 'our-gpus', outcome: 'complete', tokens: countedTokens },
    ])
  })

  test('a stream that nobody may ask yields an estimate, and says how to get exact counts', async () => {
    await using run = await startMetered(OpenAI, { includeUsage: false })
    run.server.serve(chatScript)
    await read(run.metered)
    expect(run.records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
  })
})

describe('include_usage on Azure', () => {
  const start = (apiVersion: string) =>
    startMetered(AzureOpenAI as unknown as SdkClass, {
      client: { apiVersion, deployment: 'my-deployment' },
    })

  test('a deployment: the real model is billed, the provider is azure', async () => {
    await using run = await start('2024-10-21')
    run.server.serve(chatScript)
    await read(run.metered, { ...streamed, model: 'my-deployment' })
    expect(run.server.requests[0]?.path).toContain('/deployments/my-deployment/chat/completions')
    expect(run.records).toMatchObject([
      {
        provider: 'azure',
        model: 'gpt-5.4-2026-03-05',
        requestedModel: 'my-deployment',
        tokens: countedTokens,
      },
    ])
  })

  test('an API version older than the option is not asked', async () => {
    await using run = await start('2024-02-01')
    run.server.serve(chatScript)
    await read(run.metered)
    expect(askedForUsage(run.server.requests[0]?.body)).toBeUndefined()
  })

  test('"On Your Data", which refuses the option, is not asked', async () => {
    await using run = await start('2024-10-21')
    run.server.serve(chatScript)
    await read(run.metered, { ...streamed, data_sources: [{}] })
    expect(askedForUsage(run.server.requests[0]?.body)).toBeUndefined()
  })
})
