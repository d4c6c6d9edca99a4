import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { aggregated } from '@token-meter/core'
import { type FakeStripe, type FakeStripeOptions, startFakeStripe } from '@token-meter/testkit'
import { startPostgres } from '@token-meter/testkit/internal'
import { spawnScript, temporaryFile } from '@token-meter/testkit/internal/suites'
import OpenAI from 'openai'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  billingHeaders,
  type BillingGatewayOptions,
  headerKey,
  outboxAt,
  ownKey,
  secret,
  startBillingGateway,
  startUpstream,
} from './billed-by-headers.ts'
import { everyPlace, memoryPlace, type Place, sqlitePlace } from './stores.ts'

async function stripeAccounts(other: FakeStripeOptions = {}) {
  const [mine, theirs] = await Promise.all([
    startFakeStripe({ apiKey: ownKey }),
    startFakeStripe({ apiKey: headerKey, ...other }),
  ])
  onTestFinished(async () => {
    await mine.close()
    await theirs.close()
  })
  return { mine, theirs }
}

async function start(
  place: Place,
  { mine, theirs }: { mine: FakeStripe; theirs: FakeStripe },
  options: Partial<BillingGatewayOptions> = {},
) {
  const upstream = await startUpstream()
  const outbox = place.open()
  const gateway = await startBillingGateway({
    upstream: upstream.url,
    outbox,
    own: { url: mine.url, apiKey: ownKey },
    other: { url: theirs.url },
    ...options,
  })
  onTestFinished(async () => {
    await gateway[Symbol.asyncDispose]()
    upstream.server.close()
    upstream.server.closeAllConnections()
  })
  return { ...gateway, outbox }
}

const openai = (url: string, defaultHeaders: Record<string, string> = billingHeaders) =>
  new OpenAI({ apiKey: 'tm-any', baseURL: `${url}/v1`, defaultHeaders, maxRetries: 0 })

const hello = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello!' }] }

const billedTo = (stripe: FakeStripe) =>
  stripe.billed().map(({ customer, tokenType, value }) => `${customer} ${tokenType} ${value}`)

const inAndOut = (customer: string, times = 1) => [
  `${customer} input ${1500 * times}`,
  `${customer} output ${20 * times}`,
]

describe.each(Object.entries(everyPlace()))('requests with Stripe headers, on %s', (_, place) => {
  test('are billed at the account of the headers, others at the own one', async () => {
    const accounts = await stripeAccounts()
    const { url, meter, billing, errors } = await start(place(), accounts)
    await openai(url).chat.completions.create(hello)
    await openai(url, {}).chat.completions.create(hello)
    await meter.flush()
    expect(billedTo(accounts.theirs)).toEqual(inAndOut('cus_abc123'))
    expect(billedTo(accounts.mine)).toEqual(inAndOut('team_7'))
    expect(billing.headerStats()).toMatchObject({ billed: 1, failed: 0 })
    expect(errors).toEqual([])
  })

  test('the key is gone once it is settled, and what is sent again by hand goes nowhere', async () => {
    const accounts = await stripeAccounts()
    const { url, meter, outbox } = await start(place(), accounts)
    await openai(url).chat.completions.create(hello)
    await meter.flush()
    const [entry] = (await outbox.ledger('stripe')).entries
    const id = entry?.record.id ?? ''
    expect(entry?.record.customer).toBe('team_7')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await meter.correct('stripe', [id], { state: 'dead', reason: 'said afterwards' })
    await outbox.requeue('stripe', [id])
    await meter.flush()
    expect(await outbox.deadLetters('stripe')).toMatchObject([{ code: 'stripe_headers_gone' }])
    expect(billedTo(accounts.theirs)).toEqual(inAndOut('cus_abc123'))
    expect(billedTo(accounts.mine)).toEqual([])
  })
})

describe('what is not billed', () => {
  test.each([
    ['one header without the other', { 'stripe-restricted-access-key': headerKey }, 'incomplete'],
    ['the customer alone', { 'stripe-customer-id': 'cus_abc123' }, 'incomplete'],
  ])('%s: nowhere', async (_, headers, why) => {
    const accounts = await stripeAccounts()
    const { url, meter, billing } = await start(memoryPlace(), accounts)
    const answer = await openai(url, headers).chat.completions.create(hello)
    expect(answer.choices[0]?.message.content).toBe('Hi')
    await meter.flush()
    expect([billedTo(accounts.mine), billedTo(accounts.theirs)]).toEqual([[], []])
    expect(billing.headerStats()).toMatchObject({ [why]: 1, billed: 0 })
  })

  test('without a secret: nowhere, and it is counted', async () => {
    vi.stubEnv('TOKEN_METER_SECRET', '')
    onTestFinished(() => void vi.unstubAllEnvs())
    const accounts = await stripeAccounts()
    const { url, meter, billing } = await start(memoryPlace(), accounts, {
      headers: { secret: undefined },
    })
    await openai(url).chat.completions.create(hello)
    await meter.flush()
    expect([billedTo(accounts.mine), billedTo(accounts.theirs)]).toEqual([[], []])
    expect(billing.headerStats()).toMatchObject({ withoutSecret: 1 })
  })

  test('an answer that is an error, or is cut off', async () => {
    const accounts = await stripeAccounts()
    const { url, meter, billing, outbox } = await start(memoryPlace(), accounts)
    const client = openai(url)
    await expect(client.chat.completions.create({ ...hello, model: 'broken' })).rejects.toThrow()
    const stream = await client.chat.completions.create({ ...hello, model: 'cut', stream: true })
    const read = async () => {
      for await (const chunk of stream) void chunk
    }
    await expect(read()).rejects.toThrow()
    await vi.waitFor(async () => expect(await outbox.recorded()).toBe(1))
    await meter.flush()
    expect([billedTo(accounts.mine), billedTo(accounts.theirs)]).toEqual([[], []])
    expect(billing.headerStats()).toMatchObject({ notWhole: 1 })
  })

  test('keys that may not: refused, and nothing is asked', async () => {
    const accounts = await stripeAccounts()
    const { url, meter } = await start(memoryPlace(), accounts, {
      caller: { stripeHeaders: false },
    })
    await expect(openai(url).chat.completions.create(hello)).rejects.toMatchObject({ status: 403 })
    await meter.flush()
    expect(await meter.outbox.recorded()).toBe(0)
  })

  test('a key without a customer bills by its headers all the same', async () => {
    const accounts = await stripeAccounts()
    const { url, meter } = await start(memoryPlace(), accounts, { caller: { customer: null } })
    await openai(url).chat.completions.create(hello)
    await meter.flush()
    expect(billedTo(accounts.theirs)).toEqual(inAndOut('cus_abc123'))
    expect(billedTo(accounts.mine)).toEqual([])
  })
})

test('a key that Stripe refuses is told without it, holds nobody up, and is given up', async () => {
  const accounts = await stripeAccounts({ mayWriteMeterEvents: false })
  const told: object[] = []
  const { url, outbox, billing } = await start(memoryPlace(), accounts, {
    headers: { giveUpAfterMs: 2500, onFailed: (failure) => void told.push(failure) },
  })
  await openai(url).chat.completions.create(hello)
  await openai(url, {}).chat.completions.create(hello)
  await vi.waitFor(() => expect(billedTo(accounts.mine)).toEqual(inAndOut('team_7')))
  await vi.waitFor(async () => expect(await outbox.deadLetters('stripe')).toHaveLength(1), 20_000)
  expect(await outbox.deadLetters('stripe')).toMatchObject([{ code: 'stripe_meter_failed' }])
  expect(told).toContainEqual(expect.objectContaining({ customer: 'cus_abc123', isFinal: true }))
  expect(billing.headerStats().failed).toBe(told.length)
  expect(JSON.stringify([told, await outbox.deadLetters('stripe')])).not.toContain('canary')
})

test('no key and no secret is in a database, a log, an error or a count', async () => {
  const accounts = await stripeAccounts({ mayWriteMeterEvents: false })
  const warnings = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  onTestFinished(() => warnings.mockRestore())
  const place = sqlitePlace()
  const { url, billing, errors, entries, faults } = await start(place, accounts, {
    headers: { onFailed: undefined },
  })
  await openai(url).chat.completions.create(hello)
  await vi.waitFor(() => expect(warnings).toHaveBeenCalled())
  const said = JSON.stringify([
    warnings.mock.calls.map(String),
    errors.map((error) => [error.message, String(error.cause), error]),
    entries,
    faults,
    billing.headerStats(),
  ])
  const files = ['', '-wal'].map((end) => readFileSync(`${place.path}${end}`, 'latin1')).join('')
  expect(files).toContain('cus_abc123')
  for (const canary of [headerKey, secret, ownKey]) expect(said + files).not.toContain(canary)
  expect(said).toContain('stripe_meter_failed')
})

test('the requests of the drop-in run as they stand: two SDKs, and curl', async () => {
  const accounts = await stripeAccounts()
  const { url, meter } = await start(sqlitePlace(), accounts)
  const completion = await openai(url).chat.completions.create(hello)
  expect(completion.choices[0]?.message.content).toBe('Hi')
  const anthropic = new Anthropic({
    apiKey: 'tm-any',
    baseURL: url,
    defaultHeaders: billingHeaders,
    maxRetries: 0,
  })
  const message = await anthropic.messages.create({
    model: 'claude-sonnet-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  expect(message.content).toMatchObject([{ text: 'Hi' }])
  const { stdout } = await promisify(execFile)('curl', [
    '-sS',
    `${url}/v1/chat/completions`,
    ...['Authorization: Bearer tm-any', 'Content-Type: application/json'].flatMap((each) => [
      '-H',
      each,
    ]),
    ...Object.entries(billingHeaders).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    '-d',
    JSON.stringify(hello),
  ])
  expect(JSON.parse(stdout)).toMatchObject({ usage: { prompt_tokens: 1500 } })
  await meter.flush()
  expect(accounts.theirs.meterEvents.map(({ event_name: name }) => name)).toEqual(
    Array.from({ length: 6 }, () => 'token-billing-tokens'),
  )
  expect(billedTo(accounts.theirs).toSorted()).toEqual(
    [...inAndOut('cus_abc123', 2), ...inAndOut('cus_abc123')].toSorted(),
  )
  expect(billedTo(accounts.mine)).toEqual([])
})

test('sums are made inside it: around it nobody could tell whose they are', async () => {
  const { billing } = await start(memoryPlace(), await stripeAccounts())
  expect(() => aggregated(billing)).toThrow(/has to see each record by itself/)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test.each(['sqlite', 'postgres'] as const)(
  'killed again and again on %s: each is billed once, at the account of its headers',
  { timeout: 90_000 },
  async (kind) => {
    const accounts = await stripeAccounts({ latencyMs: 10 })
    const upstream = await startUpstream()
    onTestFinished(() => {
      upstream.server.close()
      upstream.server.closeAllConnections()
    })
    const server = kind === 'postgres' ? await startPostgres() : undefined
    if (server !== undefined) onTestFinished(() => server.stop())
    const file = [temporaryFile(), ...(server === undefined ? [] : [server.url])].join('|')
    const script = fileURLToPath(new URL('billed-by-headers-child.ts', import.meta.url))
    let resolved = 0
    for (let life = 0; life < 3; life++) {
      const port = await freePort()
      const { mine, theirs } = accounts
      const child = spawnScript(
        script,
        file,
        upstream.url,
        mine.url,
        ownKey,
        theirs.url,
        String(port),
      )
      const url = `http://127.0.0.1:${port}`
      await vi.waitFor(() => fetch(`${url}/health/live`), 20_000)
      const calls = Array.from({ length: 8 }, async () => {
        for (let call = 0; call < 5; call++) {
          await openai(url).chat.completions.create(hello)
          resolved++
        }
      })
      const ended = Promise.allSettled(calls)
      const goal = resolved + 12 + life * 7
      await vi.waitFor(() => expect(resolved).toBeGreaterThanOrEqual(goal), 20_000)
      child.kill()
      await child.ended
      await ended
    }
    const { meter, outbox } = await start({ open: () => outboxAt(file) }, accounts)
    await meter.flush({ timeoutMs: 40_000 })
    const recorded = await outbox.recorded()
    expect(recorded).toBeGreaterThanOrEqual(resolved)
    expect(billedTo(accounts.theirs)).toEqual(inAndOut('cus_abc123', recorded))
    expect(accounts.mine.requests).toEqual([])
    expect(await outbox.deadLetters('stripe')).toEqual([])
  },
)
