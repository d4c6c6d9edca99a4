import { describe, expect, test } from 'vitest'
import { type Metered, startMetered } from './metered.ts'
import { callOptions, chatScript, countedTokens, messageScript, messageTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { parts, partSource, StubModel } from './stub-models.ts'

/** Reads a stream until its text begins, and leaves. */
async function leaveAtText(model: { doStream(options: never): PromiseLike<object> }) {
  const { stream } = (await model.doStream(callOptions)) as {
    stream: AsyncIterable<{ type: string }>
  }
  for await (const { type } of stream) if (type === 'text-delta') break
}

describe.each(sdkMajors)('a stream of ai $major that was left', (sdk) => {
  const isSaid = sdk.version === 'v4'

  test("with 'partial-only': what the provider said, and what nobody knows by name", async () => {
    await using run = await startMetered(sdk, { onInterrupted: 'partial-only' })
    run.server.serve(messageScript, { hangAfterEvents: 3 })
    await leaveAtText(run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1'))
    const { output: _, ...input } = messageTokens
    const nothing = { input: 0, cachedInput: 0, cachedWrite: 0 }
    expect(run.records).toMatchObject([
      { outcome: 'partial', tokens: { ...(isSaid ? input : nothing), output: 0 } },
    ])
    expect(run.records[0]?.details.unknown).toContain('output')
    expect(run.records[0]?.details.unknown?.includes('input')).toBe(!isSaid)
    // That a record bills nothing at all is said.
    expect(run.errors).toHaveLength(isSaid ? 0 : 1)
  })

  test('a stream read to its end is exact with it', async () => {
    await using run = await startMetered(sdk, { onInterrupted: 'partial-only' })
    run.server.serve(chatScript)
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    for await (const _ of (await model.doStream(callOptions)).stream);
    expect(run.records).toMatchObject([{ outcome: 'complete', tokens: countedTokens }])
  })

  test('with includeRawChunks: what Anthropic says first is exact', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(messageScript, { hangAfterEvents: 3 })
    const model = run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1')
    const options = { ...(callOptions as object), includeRawChunks: true } as never
    for await (const { type } of (await model.doStream(options)).stream) {
      if (type === 'text-delta') break
    }
    const { output: _, ...input } = messageTokens
    expect(run.records).toMatchObject([
      { outcome: 'estimated', tokens: input, details: { estimated: ['output'] } },
    ])
  })

  test('with includeRawChunks: no counts are lost, and none are doubled', async () => {
    await using run = await startMetered(sdk)
    const options = { ...(callOptions as object), includeRawChunks: true } as never
    const play = async (model: ReturnType<Metered['openai']>, script: readonly object[]) => {
      run.server.serve(script as never)
      for await (const _ of (await run.meter(model, 'cus_1').doStream(options)).stream);
    }
    const written = { cached_tokens: 4, cache_write_tokens: 2 }
    const usage = { prompt_tokens: 11, completion_tokens: 7, prompt_tokens_details: written }
    const script = chatScript.map((event) =>
      'usage' in (event as object) ? { ...(event as object), usage } : event,
    )
    await play(run.openai.chat('gpt-5.4'), script as object[])
    await play(run.anthropic('claude-sonnet-4-6'), messageScript as object[])
    expect(run.records.map(({ tokens }) => tokens)).toEqual([
      // The write of OpenAI, which the providers of V2 do not know, is in the raw chunk.
      { input: 5, cachedInput: 4, cachedWrite: 2, output: 7 },
      messageTokens,
    ])
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
    expect(run.errors).toEqual([])
  })
})

describe('a stream that was left', () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

  test('is counted by the tokenizer of the meter', async () => {
    await using run = await startMetered(sdk, { tokenizer: { count: (text) => text.length } })
    const { stream: source } = partSource(parts)
    await leaveAtText(run.meter(new StubModel(() => ({ stream: source })), 'cus_1') as never)
    expect(run.records).toMatchObject([
      { outcome: 'estimated', tokens: { input: 28, output: 'hel'.length } },
    ])
    expect(run.errors).toEqual([])
  })

  test("keeps the counts of the SDK where the provider's last event says less", async () => {
    await using run = await startMetered(sdk)
    const flat = { inputTokens: 11, outputTokens: 7, totalTokens: 18 }
    const rawValue = { type: 'message_delta', usage: { output_tokens: 7 } }
    const given = [
      { type: 'raw', rawValue },
      { ...parts.at(-1), type: 'finish', usage: flat },
    ]
    const { stream: source } = partSource(given)
    const model = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
    for await (const _ of (await model.doStream(callOptions)).stream);
    expect(run.records).toMatchObject([
      { outcome: 'complete', tokens: { input: 11, cachedInput: 0, output: 7 } },
    ])
    expect(run.errors).toEqual([])
  })
})
