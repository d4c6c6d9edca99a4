import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { callOptions, chatScript, countedTokens, messageScript, messageTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { parts, partSource, type StreamPart, StubModel } from './stub-models.ts'

const prompt = 'Say something short, please.'

describe.each(sdkMajors)('a stream of ai $major that ends early', (sdk) => {
  const { ai, version } = sdk

  test('left at the text: the SDK reads on, so the usage is complete', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatScript, { gapMs: 5 })
    const result = ai.streamText({ model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'), prompt })
    for await (const text of result.textStream) if (text !== '') break
    await result.consumeStream()
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
    expect(run.errors).toEqual([])
  })

  test('aborted: one flagged estimate, and the upstream is closed', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatScript, { hangAfterEvents: 3 })
    const abort = new AbortController()
    const result = ai.streamText({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'),
      prompt,
      abortSignal: abort.signal,
    })
    for await (const part of result.fullStream) if (part.type === 'text-delta') abort.abort()
    await until(() => run.records.length > 0, 'the stream is recorded')
    expect(run.records).toMatchObject([
      {
        model: 'gpt-5.4-2026-03-05',
        outcome: 'estimated',
        details: { estimated: ['input', 'output'] },
        raw: null,
      },
    ])
    expect(run.errors).toEqual([])
    await run.server.requests[0]?.closed
    expect(run.server.requests[0]?.closedEarly).toBe(true)
  })

  test('refused before it began: nothing is owed', async () => {
    await using run = await startMetered(sdk)
    run.server.serve([{ error: { message: 'overloaded', type: 'server_error' } }])
    run.server.serve({ error: { message: 'no' } }, { status: 401 })
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    try {
      for await (const _ of (await model.doStream(callOptions)).stream);
    } catch {
      // Later versions throw it, earlier ones have it as a part.
    }
    await expect(model.doStream(callOptions)).rejects.toMatchObject({ statusCode: 401 })
    expect(run.records).toEqual([])
  })

  test('Anthropic says the input first: only the output is an estimate', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(messageScript, { hangAfterEvents: 3 })
    const model = run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1')
    const { stream } = await model.doStream(callOptions)
    for await (const { type } of stream) if (type === 'text-delta') break
    const { output: _, ...input } = messageTokens
    // The providers of V2 and V3 keep it to themselves until the end.
    const isSaid = version === 'v4'
    expect(run.records).toMatchObject([
      {
        outcome: 'estimated',
        details: { estimated: isSaid ? ['output'] : ['input', 'output'] },
        ...(isSaid && { tokens: { ...input, output: 1 } }),
      },
    ])
  })
})

describe('a stream of a model', () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

  test('a cancel while a part is on its way', async () => {
    await using run = await startMetered(sdk)
    const { stream: source, log } = partSource(parts, {
      delayMs: (index) => (index === 3 ? 20 : 0),
    })
    const { stream } = await run
      .meter(new StubModel(() => ({ stream: source })), 'cus_1')
      .doStream(callOptions)
    const reader = stream.getReader()
    for (let index = 0; index < 3; index++) await reader.read()
    const pending = reader.read()
    const cancelling = reader.cancel('enough')
    // As soon as raw: before anything is awaited.
    expect(log.cancelled).toEqual(['enough'])
    await cancelling
    expect(await pending).toMatchObject({ done: true })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(run.errors).toEqual([])
  })

  test('in any interleaving of reads, cancel, abort and failure: exactly one record', async () => {
    await using run = await startMetered(sdk)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('read', 'readLater', 'cancel', 'wait'), { maxLength: 12 }),
        fc.integer({ min: 0, max: parts.length }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 8 }),
        async (steps, length, fails, delays) => {
          run.records.length = 0
          const given = parts.slice(0, length)
          const { stream: source } = partSource(given, {
            ...(fails && { failure: new Error('cut') }),
            delayMs: (index) => delays[index] ?? 0,
          })
          const model = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
          const { stream } = await model.doStream(callOptions)
          const reader = stream.getReader()
          const under: Promise<unknown>[] = []
          for (const step of steps) {
            if (step === 'read') await reader.read().catch(() => {})
            if (step === 'readLater') under.push(reader.read().catch(() => {}))
            if (step === 'cancel') under.push(reader.cancel().catch(() => {}))
            if (step === 'wait') await new Promise((resolve) => setImmediate(resolve))
          }
          await Promise.all(under)
          await reader.cancel().catch(() => {})
          // Failed before the provider answered anything.
          const isRefused = fails && given.length <= 1 && run.records.length === 0
          expect(run.records.length).toBe(isRefused ? 0 : 1)
        },
      ),
      { numRuns: 150 },
    )
    expect(run.errors.filter(({ code }) => code === 'observer')).toEqual([])
  })

  test('aborted before its first part: the request is owed', async () => {
    await using run = await startMetered(sdk)
    const abort = new AbortController()
    const { stream: source } = partSource([], { failure: new Error('aborted') })
    const model = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
    const options = { prompt: [{ role: 'user', content: [{ type: 'text', text: prompt }] }] }
    const { stream } = await model.doStream({ ...options, abortSignal: abort.signal })
    abort.abort()
    await expect(stream.getReader().read()).rejects.toThrow('aborted')
    expect(run.records).toMatchObject([{ outcome: 'estimated', tokens: { input: 7, output: 0 } }])
  })

  test('failed before the provider said anything: nothing is owed', async () => {
    await using run = await startMetered(sdk)
    const { stream: source } = partSource(parts.slice(0, 1), { failure: new Error('no route') })
    const model = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
    const { stream } = await model.doStream(callOptions)
    await expect(async () => {
      for await (const _ of stream);
    }).rejects.toThrow('no route')
    expect(run.records).toEqual([])
  })

  test('an error part in the middle ends nothing', async () => {
    await using run = await startMetered(sdk)
    const withError: StreamPart[] = [...parts]
    withError.splice(4, 0, { type: 'error', error: new Error('hiccup') })
    const { stream: source } = partSource(withError)
    const { stream } = await run
      .meter(new StubModel(() => ({ stream: source })), 'cus_1')
      .doStream({})
    for await (const _ of stream);
    expect(run.records).toMatchObject([{ outcome: 'complete', tokens: countedTokens }])
  })
})
