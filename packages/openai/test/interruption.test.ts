import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { chatRequest, chatScript, chatUsage, countedTokens, responseScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const streamed = { ...chatRequest, stream: true } as const

describe.each(sdkMajors)('a stream of openai $major that ends early', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('left at the finish: the usage is read on, and the request is over as on any break', async () => {
    await using run = await start()
    run.server.serve(chatScript, { gapMs: 5 })
    const stream = await run.metered.chat.completions.create(streamed)
    for await (const { choices } of stream) if (choices[0]?.finish_reason) break
    expect(run.records).toMatchObject([
      { tokens: countedTokens, outcome: 'complete', raw: chatUsage },
    ])
    expect(stream.controller.signal.aborted).toBe(true)
    expect(run.errors).toEqual([])
  })

  test('left at the finish of a server that then goes silent: the break does not wait for it', async () => {
    await using run = await start()
    run.server.serve(chatScript, { hangAfterEvents: 5 })
    const startedAt = Date.now()
    for await (const { choices } of await run.metered.chat.completions.create(streamed)) {
      if (choices[0]?.finish_reason) break
    }
    expect(Date.now() - startedAt).toBeLessThan(900)
    await until(() => run.records.length === 1, 'the stream is given up')
    expect(run.records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    await run.server.requests[0]?.closed
    expect(run.server.requests[0]?.closedEarly).toBe(true)
  })

  test('aborted by its controller: ends as raw does, with one record', async () => {
    await using run = await start()
    run.server.serve(chatScript, { gapMs: 20 })
    const stream = await run.metered.chat.completions.create(streamed)
    let chunks = 0
    for await (const _ of stream) if (++chunks === 2) stream.controller.abort()
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })

  test('with running totals: exact so far, and flagged as partial', async () => {
    await using run = await startMetered(OpenAI, { provider: 'perplexity' })
    const totals = [1, 2, 3].map((completion_tokens) => ({
      id: 'p',
      model: 'sonar',
      choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }],
      usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens },
    }))
    const body = totals.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    run.server.serve(Buffer.from(body), { headers: { 'content-type': 'text/event-stream' } })
    let chunks = 0
    for await (const _ of await run.metered.chat.completions.create(streamed))
      if (++chunks === 2) break
    expect(run.records).toMatchObject([{ tokens: { input: 10, output: 2 }, outcome: 'partial' }])
  })

  test('a response stream left in the middle', async () => {
    await using run = await start()
    run.server.serve(responseScript, { gapMs: 20 })
    for await (const { type } of await run.metered.responses.create({
      model: 'gpt-5.4',
      input: 'hello',
      stream: true,
    })) {
      if (type === 'response.output_text.delta') break
    }
    expect(run.records).toMatchObject([{ model: 'gpt-5.4-2026-03-05', outcome: 'estimated' }])
  })

  test('a response stream left at its last event', async () => {
    await using run = await start()
    run.server.serve(responseScript)
    for await (const { type } of await run.metered.responses.create({
      model: 'gpt-5.4',
      input: 'hello',
      stream: true,
    })) {
      if (type === 'response.completed') break
    }
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('a helper stream that is aborted', async () => {
    await using run = await start()
    run.server.serve(chatScript, { gapMs: 20 })
    const runner = run.metered.chat.completions.stream(chatRequest)
    await expect(async () => {
      for await (const { choices } of runner) if (choices[0]?.delta.content) runner.abort()
    }).rejects.toThrow(/abort/i)
    await until(() => run.records.length === 1, 'the stream is recorded')
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })

  test('an estimate comes near the truth for plain English', async () => {
    await using run = await start()
    const words = 'The quick brown fox jumps over the lazy dog and runs away. '.repeat(10)
    run.server.serve([
      { choices: [{ index: 0, delta: { content: words }, finish_reason: null }] },
      {},
    ])
    for await (const _ of await run.metered.chat.completions.create({
      ...streamed,
      messages: [{ role: 'user', content: words }],
    })) {
      break
    }
    // o200k counts 130 for it.
    for (const count of ['input', 'output'] as const) {
      expect(run.records[0]?.tokens[count]).toBeGreaterThan(110)
      expect(run.records[0]?.tokens[count]).toBeLessThan(160)
    }
  })
})
