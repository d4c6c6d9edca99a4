import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { startBilling } from './billing-run.ts'
import { chatScript, finishedResponse } from './scripts.ts'

const prompt = 'PROMPT-d41d8cd98f00'
const completion = 'COMPLETION-b204e9800998'
const keys = ['sk-provider-secret', 'rk_live_fake']

describe('no conversation and no key', () => {
  test('is in the ledger, the logs or the errors, whatever goes wrong', async () => {
    const printed: unknown[] = []
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...args) => void printed.push(...args))
    }
    await using run = await startBilling({
      attributes: () => {
        throw new Error('attributes failed')
      },
    })
    const say = (text: string) =>
      JSON.parse(JSON.stringify(chatScript).replaceAll('{\\"a\\"', text))
    const request = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: prompt }] }
    run.stripe.failWith({ status: 401 }, { times: 2 })
    run.stripe.failWith({ status: 400, body: { error: { code: 'no_meter', message: 'no meter' } } })
    run.provider.serve(say(completion), { times: 2 })
    for await (const _ of await run.openai.chat.completions.create({ ...request, stream: true }));
    for await (const _ of await run.openai.chat.completions.create({ ...request, stream: true }))
      break
    run.provider.serve({
      ...finishedResponse,
      usage: { input_tokens: completion, output_tokens: -1, total_tokens: [completion] },
    })
    await run.openai.responses.create({ model: 'gpt-5.4', input: prompt })
    await run.meter.flush({ timeoutMs: 200 }).catch((error: unknown) => printed.push(error))
    const letters = await run.meter.outbox.deadLetters('stripe')
    vi.restoreAllMocks()

    const everything = [
      ...['', '-wal', '-shm'].map((suffix) => readFileSync(run.path + suffix, 'latin1')),
      ...[...printed, ...run.errors, ...letters].map(
        (item) =>
          String(item) +
          JSON.stringify(item) +
          String((item as Error).stack) +
          String((item as Error).cause),
      ),
    ].join('\n')
    expect(run.errors.length).toBeGreaterThan(2)
    expect(everything).not.toContain(prompt)
    for (const key of keys) expect(everything).not.toContain(key)
    // Where a provider puts text in place of a count, it is in the raw usage alone.
    expect(run.errors.map(String).join()).not.toContain(completion)
  })
})

describe('odd counts', () => {
  test.each([
    ['missing', {}, 'estimated'],
    ['absent', undefined, 'estimated'],
    ['null', { prompt_tokens: null, completion_tokens: null }, 'estimated'],
    ['negative', { prompt_tokens: -5, completion_tokens: 7 }, 'estimated'],
    ['beyond integers', { prompt_tokens: 1e300, completion_tokens: 7 }, 'estimated'],
    ['text', { prompt_tokens: 'many', completion_tokens: 7 }, 'estimated'],
    ['objects', { prompt_tokens: {}, completion_tokens: [] }, 'estimated'],
    ['fractions', { prompt_tokens: 10.2, completion_tokens: 7 }, 'complete'],
    ['text of digits', { prompt_tokens: '11', completion_tokens: '7' }, 'complete'],
    [
      'more cached than there are',
      {
        prompt_tokens: 5,
        completion_tokens: 7,
        total_tokens: 12,
        prompt_tokens_details: { cached_tokens: 9 },
      },
      'complete',
    ],
  ])(
    '%s: the call is undisturbed, the record is kept raw and reported',
    async (_, usage, outcome) => {
      await using run = await startBilling()
      const records: unknown[] = []
      run.meter.on('usage', (record) => void records.push(record))
      run.provider.serve({
        id: 'x',
        model: 'm',
        choices: [{ message: { content: 'hello there' } }],
        usage,
      })
      const answer = await run.openai.chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content: 'hi' }],
      })
      expect(answer.usage).toEqual(usage)
      expect(records).toMatchObject([{ outcome, raw: usage ?? null }])
      expect(run.errors.map(({ code }) => code)).toEqual(['usage'])
      const { tokens } = records[0] as { tokens: Record<string, number> }
      expect(
        Object.values(tokens).every((count) => Number.isSafeInteger(count) && count >= 0),
      ).toBe(true)
      const stats = await run.meter.flush()
      expect(stats.sinks.stripe).toMatchObject({ delivered: 1 })
    },
  )

  test('huge ids fit the backend', async () => {
    await using run = await startBilling()
    const id = `resp_${'x'.repeat(5000)}`
    run.provider.serve({ ...finishedResponse, id, background: true, status: 'queued', usage: null })
    run.provider.serve({ ...finishedResponse, id, background: true })
    await run.openai.responses.create({ model: 'gpt-5.4', input: 'hi', background: true })
    await run.openai.responses.retrieve(id)
    await run.meter.flush()
    expect(run.stripe.billed()).toHaveLength(3)
  })
})
