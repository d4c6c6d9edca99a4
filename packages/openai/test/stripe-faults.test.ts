import type { Fault } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startBilling } from './billing-run.ts'
import { chatCompletion, chatRequest, chatScript } from './scripts.ts'

const bill = [
  {
    customer: 'cus_1',
    eventName: 'token-billing-tokens',
    model: 'openai/gpt-5.4',
    tokenType: 'input',
    value: 7,
  },
  {
    customer: 'cus_1',
    eventName: 'token-billing-tokens',
    model: 'openai/gpt-5.4',
    tokenType: 'cached_input',
    value: 4,
  },
  {
    customer: 'cus_1',
    eventName: 'token-billing-tokens',
    model: 'openai/gpt-5.4',
    tokenType: 'output',
    value: 7,
  },
]

/** In the order of the bill: several records of a customer are under way at a time. */
const byType = (rows: readonly { tokenType: string }[]) =>
  rows.toSorted((a, b) => a.tokenType.localeCompare(b.tokenType))

const passing: readonly (readonly [name: string, fault: Fault])[] = [
  ['answers 429', { status: 429 }],
  ['answers 429 with Retry-After', { status: 429, headers: { 'retry-after': '1' } }],
  ['answers 500', { status: 500 }],
  ['answers 503 with a page', { status: 503, body: '<html>down</html>' }],
  ['answers 409', { status: 409 }],
  ['answers 401', { status: 401 }],
  ['answers what is not JSON', { status: 200, body: 'oops' }],
  ['answers nothing', { status: 200, body: '' }],
  ['cuts the connection', { connection: 'reset' }],
  ['cuts the connection after billing', { connection: 'reset', processed: true }],
  ['answers 500 after billing', { status: 500, processed: true }],
  ['never answers', { connection: 'hang' }],
  ['takes 30 seconds', { delayMs: 30_000, connection: 'hang' }],
]

describe('the call is unaffected and everything is billed once when Stripe', () => {
  test('is well', async () => {
    await using run = await startBilling()
    run.provider.serve(chatCompletion)
    await run.openai.chat.completions.create(chatRequest)
    const stats = await run.meter.flush()
    expect(byType(run.stripe.billed())).toEqual(byType(bill))
    expect(stats.sinks.stripe).toMatchObject({ recorded: 1, delivered: 1, pending: 0, dead: 0 })
    expect(run.errors).toEqual([])
  })

  test.each(passing)('%s', async (_, fault) => {
    await using run = await startBilling()
    run.provider.serve(chatCompletion)
    run.provider.serve(chatScript)
    run.stripe.failWith(fault, { times: Infinity })
    const completion = await run.openai.chat.completions.create(chatRequest)
    let chunks = 0
    for await (const __ of await run.openai.chat.completions.create({
      ...chatRequest,
      stream: true,
    }))
      chunks++
    expect([completion.id, chunks]).toEqual(['chatcmpl-1', 5])
    expect((await run.meter.stats()).recorded).toBe(2)
    await expect(run.meter.flush({ timeoutMs: 400 })).rejects.toMatchObject({
      pending: { stripe: 2 },
    })

    run.stripe.recover()
    // A wrong key makes the sink ask for a pause, which a new process does not know of.
    const { path, stripe, meter } = run
    await meter.close({ timeoutMs: 1 })
    await using next = await startBilling({
      outbox: sqliteOutbox(path),
      stripe: { apiKey: stripe.apiKey, baseUrl: stripe.url },
    })
    const stats = await next.meter.flush()
    expect(stats.sinks.stripe).toMatchObject({ recorded: 2, delivered: 2, pending: 0, dead: 0 })
    expect(byType(run.stripe.billed())).toEqual(
      byType(bill.map((row) => ({ ...row, value: row.value * 2 }))),
    )
  })

  test.each([
    [
      'refuses the value',
      { status: 400, body: { error: { code: 'payload_invalid_value', message: 'bad value' } } },
      /bad value/,
    ],
    [
      'has no meter',
      {
        status: 400,
        body: { error: { code: 'no_meter', message: 'no meter for token-billing-tokens' } },
      },
      /no meter/,
    ],
  ])('%s: a dead letter that is replayed', async (_, fault, reason) => {
    await using run = await startBilling()
    run.provider.serve(chatCompletion)
    run.stripe.failWith(fault, { times: Infinity })
    await run.openai.chat.completions.create(chatRequest)
    const stats = await run.meter.flush()
    expect(stats.sinks.stripe).toMatchObject({ recorded: 1, dead: 1, pending: 0, delivered: 0 })
    const [letter] = await run.meter.outbox.deadLetters('stripe')
    expect(letter?.reason).toMatch(reason)
    expect(run.errors.map(({ code }) => code)).toEqual(['delivery'])

    run.stripe.recover()
    await run.meter.outbox.requeue('stripe')
    await run.meter.flush()
    expect(byType(run.stripe.billed())).toEqual(byType(bill))
  })

  test('is not there at all', async () => {
    await using run = await startBilling()
    await run.stripe.close()
    run.provider.serve(chatCompletion)
    expect((await run.openai.chat.completions.create(chatRequest)).id).toBe('chatcmpl-1')
    await expect(run.meter.flush({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'flush' })
  })
})
