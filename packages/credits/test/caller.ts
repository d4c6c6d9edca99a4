/**
 * A process of callers: each asks for holds of one price on one account until it is refused, and settles
 * what it got. Prints how many were admitted. Its arguments are JSON.
 */
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { exampleRecord } from '@token-meter/testkit'
import { createCredits } from '../src/index.ts'

export interface CallerOrder {
  /** A file, or a schema of the database at `url`. */
  readonly path: string
  readonly url?: string | undefined
  readonly callers: number
  /** What each call holds, and what it costs, in USD. */
  readonly hold: string
  readonly cost: string
  /** Looks at the balance and then takes from it, as those do that hold nothing. */
  readonly isControl?: boolean
  readonly process: number
  /** When all processes begin, in ms since the epoch. */
  readonly beginAt: number
}

const order = JSON.parse(process.argv[2] ?? '') as CallerOrder
const { url: connectionString } = order
const outbox =
  connectionString === undefined
    ? sqliteOutbox(order.path, { busyTimeoutMs: 5 })
    : postgresOutbox({ connectionString }, { schema: order.path })
const credits = createCredits({ outbox, busyMs: 60_000 })
await new Promise((resolve) => setTimeout(resolve, order.beginAt - Date.now()))

let admitted = 0
async function call(caller: number): Promise<void> {
  for (let number = 0; ; number++) {
    const id = `p${order.process}c${caller}n${number}`
    const { cost: billed } = order
    const cost = { currency: 'USD', provider: billed, billed, source: 'prices' } as const
    const record = exampleRecord({ id, customer: 'cus_1', cost })
    if (order.isControl === true) {
      if (!(await credits.check('cus_1', { usd: order.hold })).allowed) return
      admitted++
      await upstream()
      await outbox.append([record])
      continue
    }
    try {
      await credits.hold('cus_1', { usd: order.hold, id })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'insufficient_credits') return
      throw error
    }
    admitted++
    await upstream()
    await outbox.append([record], { holdIds: [id] })
  }
}

/** What a call of a model is here: others run meanwhile. */
function upstream(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
}

// A file that others have locked is waited for in the background, which keeps no process alive.
const alive = setInterval(() => {}, 1000)
await Promise.all(Array.from({ length: order.callers }, (_, index) => call(index)))
clearInterval(alive)
await outbox.close()
console.log(JSON.stringify({ admitted }))
