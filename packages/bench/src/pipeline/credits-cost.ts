import { DatabaseSync } from 'node:sqlite'
import { createMeter, type UsageRecord } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { createCredits } from '@token-meter/credits'
import { openaiProvider } from '@token-meter/openai'
import { BenchOutboxes, type OutboxKind } from './bench-outbox.ts'
import { benchRecords } from './bench-usage.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { cannedOpenAI } from './gates/canned-openai.ts'
import { quantile, yieldToEventLoop } from './measured.ts'

const customer = 'cus_1'
const billed = { currency: 'USD', provider: '0.0123', billed: '0.0123', source: 'prices' } as const

/** The first ones warm up. */
const warmUp = 500

/** What prepaid credit adds: to the append of a record, in both stores, and to a call. */
export async function creditsCost({ quick }: FigureOptions): Promise<Figure[]> {
  await using outboxes = new BenchOutboxes()
  const count = (quick ? 1000 : 8000) + warmUp
  const figures = await onSqlite(outboxes, count)
  figures.push(...(await ofGuard(outboxes, quick ? 1500 : 4000)))
  const [postgres] = await outboxes.available(['postgres'])
  if (postgres !== undefined) figures.push(...(await onPostgres(outboxes, quick ? 800 : 2500)))
  return figures
}

/** One of each in turn: what else the machine does meets them alike. */
async function onSqlite(outboxes: BenchOutboxes, count: number): Promise<Figure[]> {
  const plain = await outboxes.open('sqlite process')
  const { credits, outbox } = await selling(outboxes, 'sqlite process')
  const insert = bareInsert(outboxes.newFile())
  const times = { bare: noTimes(), append: noTimes(), settling: noTimes(), hold: noTimes() }
  for (const [index, record] of pricedRecords(count).entries()) {
    await timed(times.bare, () => insert(record))
    await timed(times.append, () => plain.outbox.append([{ ...record, id: `${record.id}p` }]))
    const hold = await timed(times.hold, () => credits.hold(customer, { usd: '0.05' }))
    await timed(times.settling, () => outbox.append([record], { holdIds: [hold.id] }))
    if (index % 50 === 0) await yieldToEventLoop()
  }
  credits.close()
  const [bareP50, appendP50] = [quantile(warm(times.bare), 0.5), quantile(warm(times.append), 0.5)]
  const settling = warm(times.settling)
  const beyond = warm(times.hold).map((hold, index) => hold + (settling[index] ?? 0) - appendP50)
  return [
    ...percentiles('sqlite process: a bare INSERT', warm(times.bare)),
    ...percentiles('sqlite process: append', warm(times.append)),
    ...percentiles('sqlite process: append that settles a hold', settling),
    ...percentiles('sqlite process: hold', warm(times.hold)),
    ...percentiles('sqlite process: hold and settle, beyond the append', beyond),
    {
      group,
      name: 'sqlite process: the same, bare INSERTs',
      value: quantile(beyond, 0.5) / bareP50,
      unit: 'x',
      note: 'target: at most 5',
    },
  ]
}

async function onPostgres(outboxes: BenchOutboxes, count: number): Promise<Figure[]> {
  const { credits } = await selling(outboxes, 'postgres')
  const times = { hold: noTimes(), settle: noTimes() }
  for (let index = 0; index < count; index++) {
    const hold = await timed(times.hold, () => credits.hold(customer, { usd: '0.05' }))
    await timed(times.settle, () => hold.settle('0.0123'))
  }
  credits.close()
  const note = 'target: p50 and p99 at most 3,000'
  return [
    ...percentiles('postgres: hold', warm(times.hold), note),
    ...percentiles('postgres: settle', warm(times.settle), note),
  ]
}

/** Calls of a real client, answered in the process: guarded and not, in turns. */
async function ofGuard(outboxes: BenchOutboxes, count: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const kind of ['memory', 'sqlite process'] as const) {
    const { credits, outbox, prices } = await selling(outboxes, kind)
    const beside = await outboxes.open(kind)
    const common = { providers: [openaiProvider], cost: prices, onError: () => {} }
    const guarding = createMeter({ ...common, outbox, guard: credits.guard() })
    const plain = createMeter({ ...common, outbox: beside.outbox })
    const clients = {
      guarded: guarding(cannedOpenAI(), customer),
      plain: plain(cannedOpenAI(), customer),
    }
    const times = { guarded: noTimes(), plain: noTimes() }
    for (let index = 0; index < count; index++) {
      for (const how of index % 2 === 0 ? turns : turns.toReversed()) {
        await timed(times[how], () => clients[how].chat.completions.create(asked))
        // What a meter puts off is no part of the other's call.
        await yieldToEventLoop()
      }
    }
    await guarding.close()
    await plain.close()
    credits.close()
    const added = warm(times.guarded).map(
      (micros, index) => micros - (warm(times.plain)[index] ?? 0),
    )
    const note = kind === 'memory' ? 'target: 50 beside the store' : 'with the hold in the file'
    figures.push(...percentiles(`${kind}: what a guard adds to a call`, added, note))
  }
  return figures
}

const turns = ['guarded', 'plain'] as const
const asked = {
  model: 'gpt-5.4',
  max_tokens: 100,
  messages: [
    { role: 'user' as const, content: 'Say hello to everybody who reads this. '.repeat(20) },
  ],
}

/** Books with more credit than is used. */
async function selling(outboxes: BenchOutboxes, kind: OutboxKind) {
  const { outbox } = await outboxes.open(kind)
  const rate = { input: '1.25', cachedInput: '0.125', output: '10' }
  const prices = cost({ prices: { 'openai/gpt-5.4': rate } })
  const credits = createCredits({ outbox, cost: prices, ephemeral: true })
  await credits.grant(customer, { usd: '1000000', idempotencyKey: 'pack' })
  return { credits, outbox, prices }
}

function bareInsert(path: string): (record: UsageRecord) => void {
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE records (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)`)
  const statement = database.prepare('INSERT INTO records (id, body) VALUES (?, ?)')
  return (record) => void statement.run(record.id, JSON.stringify(record))
}

function pricedRecords(count: number): UsageRecord[] {
  return benchRecords(count).map((record) => ({ ...record, customer, cost: billed }))
}

const group = 'credits'

const noTimes = (): number[] => []

const warm = (micros: readonly number[]) => micros.slice(warmUp)

async function timed<Value>(micros: number[], work: () => Value): Promise<Awaited<Value>> {
  const startedAt = performance.now()
  const value = work()
  const done = value instanceof Promise ? await value : value
  micros.push((performance.now() - startedAt) * 1000)
  return done as Awaited<Value>
}

function percentiles(name: string, micros: readonly number[], note = ''): Figure[] {
  return [
    { group, name: `${name}, p50`, value: quantile(micros, 0.5), unit: 'µs', note },
    { group, name: `${name}, p99`, value: quantile(micros, 0.99), unit: 'µs', note: '' },
  ]
}
