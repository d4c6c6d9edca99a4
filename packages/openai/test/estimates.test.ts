import { gptTokenizer } from '@token-meter/core/gpt-tokenizer'
import type { ReplayEvent } from '@token-meter/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Metered as Run, startMetered } from './metered.ts'
import { chatRequest, chatUsage, responseScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const tokenizer = gptTokenizer()
beforeAll(() => tokenizer.ready)

const words = 'Every evening the lighthouse keeper climbed the narrow stairs and lit the lamp. '
  .repeat(20)
  .trimEnd()
const chunk = (fields: object): ReplayEvent => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5.4-2026-03-05',
  ...fields,
})
const delta = (content: string): ReplayEvent =>
  chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const script: readonly ReplayEvent[] = [
  ...(words.match(/ ?\S+/g) ?? []).map(delta),
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
  chunk({ choices: [], usage: chatUsage }),
]
const streamed = { ...chatRequest, stream: true } as const

/** Reads a stream until it is cut; answers the text that came. */
type Cut = (run: Run) => Promise<string>
const seenWhile =
  (
    readOn: (chunks: number, stream: { controller: AbortController }) => boolean,
    cutAfter = 999,
  ): Cut =>
  async (run) => {
    run.server.serve(script, cutAfter < 999 ? { cutAfterEvents: cutAfter } : { gapMs: 1 })
    let text = ''
    let chunks = 0
    const stream = await run.metered.chat.completions.create(streamed)
    try {
      for await (const { choices } of stream) {
        text += choices[0]?.delta.content ?? ''
        if (!readOn(++chunks, stream)) break
      }
    } catch {
      // The SDK's own error: what it is, other suites check.
    }
    return text
  }

const cuts: readonly [how: string, cut: Cut][] = [
  ['a break', seenWhile((chunks) => chunks < 60)],
  [
    'an abort',
    seenWhile((chunks, { controller }) => {
      if (chunks === 60) controller.abort()
      return true
    }),
  ],
  ['a dead socket', seenWhile(() => true, 60)],
]

const newest = sdkMajors.filter(({ major }) => major >= 6)

describe.each(newest)('openai $major, a chat stream ended by', ({ OpenAI }) => {
  describe.each(cuts)('%s', (_, cut) => {
    test('by default: a flagged heuristic estimate, within 35 % of the real count', async () => {
      await using run = await startMetered(OpenAI)
      const text = await cut(run)
      expect(run.records).toMatchObject([
        {
          model: 'gpt-5.4-2026-03-05',
          outcome: 'estimated',
          details: { estimated: ['input', 'output'] },
          raw: null,
        },
      ])
      const real = tokenizer.count(text, 'gpt-5.4') ?? 0
      expect(real).toBeGreaterThan(10)
      expect(Math.abs((run.records[0]?.tokens.output ?? 0) / real - 1)).toBeLessThan(0.35)
      expect(run.errors).toEqual([])
    })

    test('with a tokenizer: still flagged, and the output is what came, counted exactly', async () => {
      await using run = await startMetered(OpenAI, { tokenizer })
      const text = await cut(run)
      expect(run.records).toMatchObject([
        {
          outcome: 'estimated',
          details: { estimated: ['input', 'output'] },
          tokens: { output: tokenizer.count(text, 'gpt-5.4') },
        },
      ])
      expect(run.errors).toEqual([])
    })

    test.each([undefined, tokenizer])(
      "onInterrupted 'partial-only': nothing was said, nothing is billed, and it shows",
      async (tokenizer) => {
        await using run = await startMetered(OpenAI, { onInterrupted: 'partial-only', tokenizer })
        await cut(run)
        expect(run.records).toMatchObject([
          {
            customer: 'cus_1',
            outcome: 'partial',
            tokens: { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 },
            details: { unknown: ['input', 'cached_input', 'cached_write', 'output'] },
          },
        ])
        expect(run.errors).toMatchObject([{ code: 'usage' }])
      },
    )

    test('a tokenizer that throws never reaches the call', async () => {
      const failing = {
        count(): number {
          throw new Error('tokenizer fault')
        },
      }
      await using run = await startMetered(OpenAI, { tokenizer: failing })
      expect(await cut(run)).toMatch(/^Every evening/)
      expect(run.records).toMatchObject([{ outcome: 'estimated' }])
      expect(run.records[0]?.tokens.output).toBeGreaterThan(10)
      expect(run.errors).toMatchObject([{ code: 'observer' }])
    })
  })
})

describe.each(newest)('openai $major', ({ OpenAI }) => {
  test.each(['estimate', 'partial-only'] as const)(
    'running totals are exact so far under %s, with nothing unknown or estimated',
    async (onInterrupted) => {
      await using run = await startMetered(OpenAI, { onInterrupted, tokenizer })
      const totals = [1, 2, 3].map((completion_tokens) =>
        chunk({
          choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }],
          usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens },
        }),
      )
      const body = totals.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
      run.server.serve(Buffer.from(body), { headers: { 'content-type': 'text/event-stream' } })
      let chunks = 0
      for await (const _ of await run.metered.chat.completions.create(streamed))
        if (++chunks === 2) break
      expect(run.records).toMatchObject([
        { tokens: { input: 10, output: 2 }, outcome: 'partial', details: {} },
      ])
      expect(Object.keys(run.records[0]?.details ?? {})).toEqual([])
    },
  )

  test("a finished stream is complete under 'partial-only', and asks the tokenizer nothing", async () => {
    let asked = 0
    const counting = { count: () => ++asked }
    await using run = await startMetered(OpenAI, {
      onInterrupted: 'partial-only',
      tokenizer: counting,
    })
    run.server.serve(script)
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.records).toMatchObject([{ outcome: 'complete', raw: chatUsage }])
    expect(asked).toBe(0)
  })

  test("a finished stream without usage is estimated under 'partial-only' too, and reported", async () => {
    await using run = await startMetered(OpenAI, {
      onInterrupted: 'partial-only',
      includeUsage: false,
      tokenizer,
    })
    run.server.serve(script.slice(0, -1))
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.records).toMatchObject([
      {
        outcome: 'estimated',
        details: { estimated: ['input', 'output'] },
        tokens: { output: tokenizer.count(words, 'gpt-5.4') },
      },
    ])
    expect(run.errors).toMatchObject([{ code: 'usage' }])
  })

  test("a response stream left in the middle under 'partial-only'", async () => {
    await using run = await startMetered(OpenAI, { onInterrupted: 'partial-only' })
    run.server.serve(responseScript, { gapMs: 5 })
    for await (const { type } of await run.metered.responses.create({
      model: 'gpt-5.4',
      input: 'hello',
      stream: true,
    })) {
      if (type === 'response.output_text.delta') break
    }
    expect(run.records).toMatchObject([
      { model: 'gpt-5.4-2026-03-05', outcome: 'partial', details: { unknown: { length: 4 } } },
    ])
  })
})
