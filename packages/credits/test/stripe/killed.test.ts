import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import type { StripeEvent } from '@token-meter/testkit'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { creditEvents } from '../../src/stripe.ts'
import { openShop } from './shop.ts'
import type { WebhookOrder } from './webhook-child.ts'

const script = join(import.meta.dirname, 'webhook-child.ts')
const plans = [{ id: 'basic', usd: '10', period: 'month' }] as const
/** After how many reads a process is killed, of whatever it is told; a search does so more often. */
const moments = Array.from({ length: Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) }, () => [
  ...[9, 40].map((most) => 1 + Math.floor(Math.random() * most)),
  'answer' as const,
]).flat()

let server: Awaited<ReturnType<typeof startPostgres>>
beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.stop())
let schemas = 0
const told: ReadonlySet<string> = new Set(creditEvents)

describe.each(['sqlite', 'postgres'])('webhooks in other processes, with books in %s', (kind) => {
  /** A pack that was sold and refunded in part, and a plan; nobody was told yet. */
  async function story() {
    const isFile = kind === 'sqlite'
    const path = isFile ? temporaryFile() : `killed_${++schemas}`
    const outbox = isFile
      ? sqliteOutbox(path)
      : postgresOutbox({ connectionString: server.url }, { schema: path })
    const shop = await openShop({ plans, outbox })
    const { billing, stripe, fake, secrets } = shop
    const [buyer, subscriber] = [await shop.customer(), await shop.customer()]
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, buyer, {
      line_items: [{ price: price.id, quantity: 2 }],
      invoice_creation: { enabled: true },
    })
    billing.completeCheckout(id)
    const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(id)
    await stripe.refunds.create({ payment_intent: String(intent), amount: 1500 })
    const plan = await shop.monthly({ token_meter_plan: 'basic' })
    await stripe.subscriptions.create({ customer: subscriber, items: [{ price: plan.id }] })

    const { apiKey, host, port } = fake
    const url = isFile ? undefined : server.url
    /** A process that is the webhook. */
    const start = async (diesAt?: WebhookOrder['diesAt']) => {
      const order = { path, url, apiKey, host, port, secrets, plans, diesAt } satisfies WebhookOrder
      const child = spawn(process.execPath, [script, JSON.stringify(order)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'close')
      onTestFinished(async () => {
        child.kill('SIGKILL')
        await ended
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const at = `http://127.0.0.1:${line.toString().trim().slice('port '.length)}`
      return {
        isThere: () => child.exitCode === null && child.signalCode === null,
        ended,
        handle: async (request: Request) => {
          const body = await request.text()
          const signature = request.headers.get('stripe-signature') ?? ''
          const headers = { 'stripe-signature': signature }
          // Nothing comes back of one that dies.
          return fetch(at, { method: 'POST', headers, body }).catch(
            () => new Response(null, { status: 502 }),
          )
        },
      }
    }
    const assertEnd = async () => {
      const { credits } = shop
      expect(await credits.verify()).toEqual([])
      expect(await credits.balance(buyer)).toMatchObject({ available: '37.5', debt: '0' })
      const { entries } = await credits.history(buyer)
      const amounts = entries.map(({ kind: what, amount }) => [what, amount])
      expect(amounts.toReversed()).toEqual([
        ['grant', '50'],
        ['revoke', '-12.5'],
      ])
      expect(await credits.balance(subscriber)).toMatchObject({ available: '10', debt: '0' })
      expect(await credits.plansOf(subscriber)).toMatchObject([{ plan: 'basic' }])
    }
    const events = billing.events.filter(({ type }) => told.has(type))
    return { ...shop, start, assertEnd, told: [...events, ...events, ...events] }
  }

  const shuffled = (events: readonly StripeEvent[]) =>
    events
      .map((event) => ({ event, place: Math.random() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ event }) => event)

  test('one is killed between reading and writing, and between writing and answering: told again, one grant', async () => {
    const { billing, setHandle, start, assertEnd, told, credits } = await story()
    /** Tells of an event; whether the process that was told has lived to answer. */
    const isAnswered = async (child: Awaited<ReturnType<typeof start>>, event: StripeEvent) => {
      setHandle(child.handle)
      const [answer] = await billing.deliver({ events: [event] })
      expect([200, 502]).toContain(answer?.status)
      if (answer?.status === 200) return true
      expect(await child.ended).toEqual([null, 'SIGKILL'])
      expect(await credits.verify()).toEqual([])
      return false
    }
    const paid = told.find(({ type }) => type === 'invoice.paid') as StripeEvent
    // It dies after each of its reads, before and after all that it writes; then written, and not answered.
    let reads = 1
    while (!(await isAnswered(await start(reads), paid))) reads++
    expect(reads).toBeGreaterThan(3)
    expect(await isAnswered(await start('answer'), paid)).toBe(false)
    for (const diesAt of moments) {
      const child = await start(diesAt)
      for (const event of shuffled(told)) if (!(await isAnswered(child, event))) break
    }
    setHandle((await start()).handle)
    for (const { status } of await billing.deliver({ events: shuffled(told) })) {
      expect(status).toBe(200)
    }
    await assertEnd()
  }, 240_000)

  test('two are told of the same at the same time, in any order: one grant', async () => {
    const { billing, setHandle, start, assertEnd, told } = await story()
    const [one, other] = [await start(), await start()]
    setHandle((request) => (Math.random() < 0.5 ? one : other).handle(request))
    await Promise.all(
      [1, 2, 3, 4].map(async () => {
        let left: readonly StripeEvent[] = shuffled(told)
        for (let tries = 0; left.length > 0 && tries < 20; tries++) {
          const answers = await billing.deliver({ events: left })
          // One that others keep applying is told again.
          for (const { status } of answers) expect([200, 503]).toContain(status)
          left = answers.filter(({ status }) => status !== 200).map(({ event }) => event)
        }
        expect(left).toEqual([])
      }),
    )
    await assertEnd()
  }, 240_000)
})
