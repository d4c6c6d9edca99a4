import { describe, expect, test } from 'vitest'
import { relatives, startRelative, tokens } from './relatives.ts'
import { chatCompletion, chatRequest, chatScript, countedTokens } from './scripts.ts'
import type { SdkClient } from './sdk-majors.ts'

describe.each(relatives)('$name', ({ provider, base, version, newClient }) => {
  const starts = { newClient: (options: object) => newClient(options) as SdkClient, base }
  // Perplexity's reasoning stands beside its output: 7 and 2.
  const counted = provider === 'perplexity' ? tokens(7, 4, 0, 9) : countedTokens
  const recorded = { customer: 'cus_1', provider, endpoint: 'chat.completions', tokens: counted }

  test('a chat completion is recorded once, whole and streamed, by the provider that no host names', async () => {
    await using run = await startRelative(starts)
    run.server.serve(chatCompletion)
    const completion = await run.metered.chat.completions.create(chatRequest)
    expect(completion.choices[0]?.message.content).toBe('{"a":1}')
    expect(run.server.requests[0]?.path).toBe(`${version}/chat/completions`)

    const seen: unknown[][] = []
    for (const client of [run.raw, run.metered]) {
      run.server.serve(chatScript)
      const chunks: unknown[] = []
      const body = {
        ...chatRequest,
        stream: true,
        stream_options: { include_usage: true },
      } as const
      for await (const chunk of await client.chat.completions.create(body)) chunks.push(chunk)
      seen.push(chunks)
    }
    expect(seen[1]).toEqual(seen[0])
    expect(run.records).toMatchObject([recorded, recorded])
    expect(run.errors).toEqual([])
  })

  test('who serves it can be named, and a subclass is of the same provider', async () => {
    await using run = await startRelative({ ...starts, options: { provider: 'our-proxy' } })
    run.server.serve(chatCompletion, { times: 2 })
    await run.metered.chat.completions.create(chatRequest)
    const Client = run.raw.constructor as new (options: object) => SdkClient
    class Own extends Client {}
    const own = new Own({ apiKey: 'k', baseURL: run.server.url + base, warmTCPConnection: false })
    await run.meter(own, 'cus_1').chat.completions.create(chatRequest)
    expect(run.records.map((record) => record.provider)).toEqual(['our-proxy', provider])
  })
})
