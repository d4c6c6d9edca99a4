import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import fc from 'fast-check'
import type { GuardOptions } from '../src/index.ts'
import { InsufficientCreditsError } from '../src/index.ts'
import { startMetered } from './metered.ts'
import type { Body, Reply } from './provider.ts'
import { everyStore } from './stores.ts'

const question = {
  model: 'gpt-test',
  max_tokens: 50,
  messages: [{ role: 'user' as const, content: 'What is the answer?' }],
}

describe.each(Object.entries(everyStore()))('calls under a guard on %s', (kind, open) => {
  async function start(
    usd: string,
    reply: (body: Body) => Reply = () => ({ input: 20, output: 10 }),
    options: GuardOptions = {},
  ) {
    const all = await startMetered(open(), { reply, ...options })
    if (usd !== '0') await all.credits.grant('cus_1', { usd, idempotencyKey: 'pack' })
    const balance = () => all.credits.balance('cus_1')
    return { ...all, balance }
  }

  test('credit is held while a call is under way, and its record settles it', async () => {
    let during: Awaited<ReturnType<Awaited<ReturnType<typeof start>>['balance']>> | undefined
    const meanwhile = async () => void (during = await all.balance())
    const all = await start('1', () => ({ input: 20, output: 10, meanwhile }))
    const openai = all.meter(all.openai, 'cus_1')
    const { data } = await openai.chat.completions.create(question).withResponse()
    expect(data.usage?.completion_tokens).toBe(10)
    // 50 tokens of output, and a few of input.
    expect(Number(during?.held)).toBeGreaterThan(0.0005)
    expect(Number(during?.held)).toBeLessThan(0.00055)
    expect(await all.balance()).toMatchObject({ held: '0', available: '0.99988' })
    const anthropic = all.meter(all.anthropic, 'cus_1')
    await anthropic.messages.create(question)
    expect(await all.balance()).toMatchObject({ held: '0', available: '0.99976' })
    expect((await all.credits.history('cus_1')).entries).toMatchObject([
      { kind: 'usage', amount: '-0.00012', hold: expect.any(String), record: expect.any(String) },
      { kind: 'usage', amount: '-0.00012' },
      { kind: 'grant' },
    ])
  })

  test('what the customer cannot pay is refused before anything is sent, once, as the SDKs refuse', async () => {
    const { provider, meter, openai, anthropic } = await start('0.0001')
    const client = meter(openai, 'cus_1')
    const calls = [
      () => client.chat.completions.create(question),
      () => client.chat.completions.create(question).withResponse(),
      () => client.chat.completions.create(question).asResponse(),
      () => client.chat.completions.create({ ...question, stream: true }),
      () => client.responses.create({ model: 'gpt-test', input: 'What?', max_output_tokens: 50 }),
      () => meter(anthropic, 'cus_1').messages.create(question),
      () =>
        meter.fetch('cus_1')(`${provider.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(question),
        }),
    ]
    for (const call of calls) {
      const error = await call().then(
        () => undefined,
        (cause: unknown) => cause,
      )
      expect(error).toBeInstanceOf(InsufficientCreditsError)
      expect(error).toMatchObject({ status: 402, customer: 'cus_1', available: '0.0001' })
      expect((error as InsufficientCreditsError).affordableOutputTokens).toBeLessThan(10)
    }
    expect(provider.bodies).toEqual([])
  })

  test('a fetch that answers a refusal passes on what end users may read', async () => {
    const { provider, meter } = await start('0.0001')
    const fetch = meter.fetch('cus_1', { onRefused: 'respond' })
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    })
    expect(answer.status).toBe(402)
    const text = await answer.text()
    expect(text).not.toContain('cus_1')
    expect(JSON.parse(text)).toMatchObject({
      error: {
        type: 'insufficient_credits',
        available: '0.0001',
        message: expect.stringMatching(
          /^The credit that is left, \$0.0001, does not cover this call/,
        ),
      },
    })
  })

  test('what is affordable is let go', async () => {
    const { meter, openai, balance } = await start('0.0002')
    const client = meter(openai, 'cus_1')
    const error = (await client.chat.completions
      .create(question)
      .catch((cause: unknown) => cause)) as InsufficientCreditsError
    const { affordableOutputTokens: max_tokens = 0 } = error
    expect(max_tokens).toBeGreaterThan(10)
    await client.chat.completions.create({ ...question, max_tokens })
    expect(await balance()).toMatchObject({ available: '0.00008', held: '0' })
  })

  test('who has no account, calls of nobody, of a pool that there is not', async () => {
    const { provider, meter, openai } = await start('1')
    await expect(meter(openai, 'cus_2').chat.completions.create(question)).rejects.toMatchObject({
      code: 'insufficient_credits',
      available: '0',
    })
    await expect(
      meter(openai, () => undefined).chat.completions.create(question),
    ).rejects.toMatchObject({ reason: 'unattributed', status: 403 })
    await expect(
      meter(openai, 'cus_1', { pools: ['team_7'] }).chat.completions.create(question),
    ).rejects.toMatchObject({ reason: 'unknown_pool' })
    expect(provider.bodies).toEqual([])
  })

  test('a call that the provider refuses costs nothing', async () => {
    const { provider, meter, openai, balance } = await start('1', () => ({
      input: 0,
      output: 0,
      status: 400,
    }))
    const client = meter(openai, 'cus_1')
    await expect(client.chat.completions.create(question)).rejects.toMatchObject({ status: 400 })
    await vi.waitFor(async () =>
      expect(await balance()).toMatchObject({ held: '0', available: '1' }),
    )
    await provider.close()
    const gone = client.chat.completions.create(question, { maxRetries: 0 })
    await expect(gone).rejects.toThrow(/Connection error/)
    await vi.waitFor(async () =>
      expect(await balance()).toMatchObject({ held: '0', available: '1' }),
    )
  })

  test('a call of which nobody knows stays held', async () => {
    const { meter, openai, balance } = await start('1', () => ({
      input: 0,
      output: 0,
      isCut: true,
    }))
    const call = meter(openai, 'cus_1').chat.completions.create(question, { maxRetries: 0 })
    await expect(call).rejects.toThrow(/Connection error/)
    await turn()
    expect(Number((await balance()).held)).toBeGreaterThan(0.0005)
  })

  test('a stream is settled at its end, and one that is left for what it had by then', async () => {
    const { meter, openai, balance } = await start('1', ({ stop }) => ({
      input: 20,
      output: stop === undefined ? 10 : 50,
    }))
    const client = meter(openai, 'cus_1', { includeUsage: true })
    const stream = await client.chat.completions.create({ ...question, stream: true })
    for await (const _ of stream) expect(Number((await balance()).held)).toBeGreaterThan(0)
    expect(await balance()).toMatchObject({ held: '0', available: '0.99988' })
    const left = await client.chat.completions.create({ ...question, stop: 'x', stream: true })
    for await (const _ of left) break
    await vi.waitFor(async () => expect((await balance()).held).toBe('0'))
    expect(Number((await balance()).available)).toBeLessThan(0.99988)
  })

  test('a stream without a cap ends when there is no more credit, where it is to', async () => {
    const all = { input: 20, output: 400 }
    // It goes on until it is ended: what a busy database answers may come later than 400 words.
    const atEnd = (closed: Promise<unknown>) => Promise.race([closed, sleep(10_000)])
    const extending = { onExhausted: 'extend', defaultMaxOutput: 100 } as const
    const { max_tokens: _, ...uncapped } = question
    const finish = async (usd: string, options: GuardOptions, reply: Reply = all) => {
      const { meter, openai, balance } = await start(usd, () => reply, options)
      const client = meter(openai, 'cus_1', { includeUsage: true })
      const stream = await client.chat.completions.create({ ...uncapped, stream: true })
      let chunks = 0
      const error = await (async () => {
        for await (const _ of stream) chunks++
      })().catch((cause: unknown) => cause)
      await vi.waitFor(async () => expect((await balance()).held).toBe('0'))
      return { chunks, error, left: await balance() }
    }
    const short = await finish('0.0025', extending, { ...all, atEnd })
    expect(short.error).toBeInstanceOf(InsufficientCreditsError)
    expect(short.chunks).toBeLessThanOrEqual(400)
    // What comes while a database is asked is passed on.
    if (kind !== 'postgres') expect(short.left.debt).toBe('0')
    const enough = await finish('0.01', extending)
    expect(enough).toMatchObject({ error: undefined, left: { available: '0.00598' } })
    // By default it is let finish, and what was not held is debt.
    const over = await finish('0.0025', { defaultMaxOutput: 100 })
    expect(over).toMatchObject({
      error: undefined,
      left: { available: '-0.00152', debt: '0.00152' },
    })
  })

  test('a response in the background is held for until somebody sees its end', async () => {
    const { meter, openai, balance } = await start('1')
    const client = meter(openai, 'cus_1')
    const { id } = await client.responses.create({
      model: 'gpt-test',
      input: 'What is the answer?',
      max_output_tokens: 50,
      background: true,
    })
    expect(Number((await balance()).held)).toBeGreaterThan(0.0005)
    await client.responses.retrieve(id)
    expect(await balance()).toMatchObject({ held: '0', available: '0.99988' })
  })

  test('a batch is held for from its creation on', async () => {
    const { meter, anthropic, balance } = await start('1')
    const requests = [1, 2].map((id) => ({ custom_id: `r${id}`, params: question }))
    await meter(anthropic, 'cus_1').messages.batches.create({ requests })
    expect(Number((await balance()).held)).toBeGreaterThan(0.001)
  })

  test('pools stop what their customers could pay, and count what it came to', async () => {
    const { meter, openai, credits, balance } = await start('1')
    const told: unknown[] = []
    const refusals: unknown[] = []
    credits.on('pool', ({ pool, percent, spent, required }) => {
      if (required === undefined) told.push([pool, percent, spent])
      else refusals.push([pool, required])
    })
    credits.pool({ id: 'team_7', usd: '0.0008', period: 'month' })
    credits.pool({ id: 'key_1', usd: '0.0001', period: 'day', hard: false, soft: [50] })
    const client = meter(openai, 'cus_1', { pools: ['team_7', 'key_1', 'team_7'] })
    await client.chat.completions.create(question)
    await client.chat.completions.create(question)
    expect(await credits.poolBalance('team_7')).toMatchObject({
      spent: '0.00024',
      held: '0',
      limit: '0.0008',
      available: '0.00056',
    })
    expect(await credits.poolBalance('key_1')).toMatchObject({ spent: '0.00024' })
    await client.chat.completions.create(question)
    await client.chat.completions.create({ ...question, max_tokens: 10 })
    const error = (await client.chat.completions
      .create(question)
      .catch((cause: unknown) => cause)) as InsufficientCreditsError
    expect(error).toMatchObject({ pool: 'team_7', available: '0.00032', status: 402 })
    expect(error.message).toMatch(/the pool "team_7" has 0.00032 usd left in this period/)
    await vi.waitFor(() => expect(refusals).toEqual([['team_7', error.required]]))
    // Without the pool there is enough.
    await meter(openai, 'cus_1').chat.completions.create(question)
    expect(await balance()).toMatchObject({ available: '0.9994', held: '0' })
    await vi.waitFor(() => expect(told).toEqual([['key_1', 50, '0.00012']]))
    await client.chat.completions.create({ ...question, max_tokens: 10 })
    await client.chat.completions.create({ ...question, max_tokens: 10 })
    await vi.waitFor(() => expect(told.slice(1)).toEqual([['team_7', 80, '0.00072']]))
  })

  test('nobody spends more than the balance and what calls under way used beyond their holds', async () => {
    const call = fc.record({
      cap: fc.integer({ min: 1, max: 60 }),
      input: fc.nat(60),
      output: fc.nat(90),
      isStream: fc.boolean(),
    })
    const runs = Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) * 3
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 40 }), async (calls) => {
        let excess = 0n
        const { meter, openai, provider, credits, balance, close } = await start(
          '0.008',
          (body) => {
            const { input, output } = calls[Number(body['seed'])] as (typeof calls)[number]
            return { input, output }
          },
          { holdTimeoutMs: 60_000 },
        )
        const client = meter(openai, 'cus_1', { includeUsage: true })
        const outcomes = await Promise.allSettled(
          calls.map(async ({ cap, isStream }, seed) => {
            const body = { ...question, max_tokens: cap, seed }
            if (!isStream) return client.chat.completions.create(body)
            for await (const _ of await client.chat.completions.create({ ...body, stream: true }));
          }),
        )
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') continue
          expect(outcome.reason).toBeInstanceOf(InsufficientCreditsError)
        }
        const admitted = outcomes.filter(({ status }) => status === 'fulfilled').length
        expect(provider.bodies).toHaveLength(admitted)
        for (const body of provider.bodies) {
          const { input, output, cap } = calls[Number(body['seed'])] as (typeof calls)[number]
          // What is held of input is at least nothing.
          const beyond = BigInt(input + output * 10 - cap * 10)
          if (beyond > 0n) excess += beyond * 1_000_000n
        }
        // What used nothing is given back in the background.
        const left = await vi.waitFor(async () => {
          const now = await balance()
          expect(now.held).toBe('0')
          return now
        }, 5000)
        const available = BigInt(Math.round(Number(left.available) * 1e12))
        expect(available).toBeGreaterThanOrEqual(-excess)
        const charged = (await credits.history('cus_1', { limit: 1000 })).entries
          .filter(({ kind }) => kind === 'usage' || kind === 'debt')
          .reduce((sum, { amount }) => sum + Number(amount), 0)
        expect(0.008 + charged).toBeCloseTo(Number(left.available), 9)
        await close()
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })
})
