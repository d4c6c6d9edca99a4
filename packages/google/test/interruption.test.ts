import { describe, expect, test } from 'vitest'
import { readAll, startMetered, until } from './metered.ts'
import { contentScript, interaction, interactionScript, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('a stream of genai $major that ends early', ({ GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test('aborted: exact so far (posthog-js#4664: not 0)', async () => {
    await using run = await start()
    run.server.serve(contentScript, { hangAfterEvents: 2 })
    const abort = new AbortController()
    const config = { abortSignal: abort.signal }
    const read = async () => {
      let chunks = 0
      for await (const _ of await run.metered.models.generateContentStream({
        ...request,
        config,
      })) {
        if (++chunks === 2) abort.abort()
      }
    }
    await expect(read()).rejects.toThrow()
    expect(run.records).toMatchObject([
      { tokens: { input: 16, cachedInput: 4, output: 3 }, outcome: 'partial' },
    ])
    expect(run.errors).toEqual([])
  })

  test('cut before its totals count the answer: the text that went by is estimated', async () => {
    await using run = await start()
    run.server.serve(contentScript, { cutAfterEvents: 1 })
    const read = async () => readAll(await run.metered.models.generateContentStream(request))
    // SDK 3 tries to go on where it was cut, which nothing answers here.
    await read().catch(() => {})
    expect(run.records).toMatchObject([
      {
        tokens: { input: 16, cachedInput: 4 },
        outcome: 'estimated',
        details: { estimated: ['output'] },
      },
    ])
    expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
  })

  test('aborted while the rest is read on', async () => {
    await using run = await start()
    run.server.serve(contentScript, { hangAfterEvents: 2 })
    const abort = new AbortController()
    const config = { abortSignal: abort.signal }
    let chunks = 0
    for await (const _ of await run.metered.models.generateContentStream({ ...request, config })) {
      if (++chunks === 2) break
    }
    abort.abort()
    await until(() => run.records.length === 1, 'the drain has ended')
    expect(run.records).toMatchObject([{ outcome: 'partial', tokens: { output: 3 } }])
  })

  test('an interaction left in the middle', async () => {
    await using run = await start()
    const finished = interaction()
    run.server.serve(interactionScript(finished), { hangAfterEvents: 3 })
    const asked = { model: 'm', input: 'x', stream: true }
    const stream = await run.metered.interactions.create(asked as never)
    for await (const event of stream as unknown as AsyncIterable<{ event_type: string }>) {
      if (event.event_type === 'step.delta') break
    }
    await until(() => run.records.length === 1, 'the interaction is given up')
    expect(run.records).toMatchObject([{ model: 'gemini-2.5-flash', outcome: 'estimated' }])
    run.server.serve(finished)
    await run.metered.interactions.get(finished.id)
    expect(run.records).toHaveLength(1)
  })
})
