/**
 * A process of an application that has a part in prepaid credit, until it is killed or has done its part.
 * Its argument is JSON.
 */
import { createMeter, type UsageRecord } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { stripeSink } from '@token-meter/stripe'
import { exampleRecord } from '@token-meter/testkit'
import { createCredits } from '../src/index.ts'

export interface PartOrder {
  /** A file, or a schema of the database at `url`. */
  readonly path: string
  readonly url?: string | undefined
  /**
   * - `deliver`: delivers to Stripe without credits, until it is killed. Prints what it is told of.
   * - `record`: keeps records without credits, in appends of three for two customers, and ends.
   * - `charge`: has credits and does nothing but keep the books, until it is killed.
   * - `brief`: has credits, records what has a price and what has none yet, and ends at once.
   */
  readonly part: 'deliver' | 'record' | 'charge' | 'brief'
  readonly stripe?: { readonly apiKey: string; readonly baseUrl: string }
  /** Before the ids of its records. */
  readonly name?: string
  readonly appends?: number
}

/** A millionth of a dollar a token. */
const price = { input: 1, output: 1 }

const order = JSON.parse(process.argv[2] ?? '') as PartOrder
const { path, url: connectionString, part, stripe, name = 'r', appends = 1 } = order
const outbox =
  connectionString === undefined
    ? sqliteOutbox(path)
    : postgresOutbox({ connectionString }, { schema: path })

function costing(id: string, customer: string) {
  const cost = { currency: 'USD', provider: '0.25', billed: '0.25', source: 'prices' } as const
  return exampleRecord({ id, customer, cost, at: Date.now() + 1000 })
}

async function isKept(records: readonly UsageRecord[]): Promise<boolean> {
  try {
    await outbox.append(records)
    return true
  } catch {
    return false
  }
}

switch (part) {
  case 'deliver': {
    const meter = createMeter({
      providers: [],
      outbox,
      sinks: stripe === undefined ? [] : [stripeSink(stripe)],
      delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 50 } },
      onError: ({ message }) => console.log(`told ${message}`),
    })
    for (;;) {
      const { sinks } = await meter.stats()
      console.log(`stats ${JSON.stringify(sinks['stripe'])}`)
      await meter.flush({ timeoutMs: 300 }).catch((error: Error) => {
        console.log(`told ${error.message}`)
      })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  case 'record': {
    // A file that others have locked is waited for in the background, which keeps no process alive.
    const alive = setInterval(() => {}, 1000)
    for (let number = 0; number < appends; number++) {
      const ids = ['a', 'b', 'c'].map((one) => `${name}n${number}${one}`)
      const records = ids.map((id, index) => costing(id, index < 2 ? 'cus_1' : 'cus_2'))
      // A store that is too busy keeps none of them; nothing is kept twice.
      while (!(await isKept(records)));
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    clearInterval(alive)
    await outbox.close()
    break
  }
  case 'charge':
    createCredits({ outbox })
    console.log('begun')
    setInterval(() => {}, 1000)
    break
  case 'brief': {
    const calculate = cost({ prices: ({ model }) => (model === 'known' ? price : undefined) })
    createCredits({ outbox, cost: calculate })
    const meter = createMeter({ providers: [], outbox, cost: calculate, onError: () => {} })
    const usage = { customer: 'cus_1', provider: 'mine', tokens: { input: 250_000 } }
    await meter.record({ ...usage, id: `${name}a`, model: 'known' })
    await meter.record({ ...usage, id: `${name}b`, model: 'unknown' })
    await meter.close()
  }
}
