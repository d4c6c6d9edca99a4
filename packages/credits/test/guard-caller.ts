/**
 * A process of callers under a guard: each makes calls by the OpenAI SDK to a provider on loopback until it
 * is refused. Prints how many were let go, and what was held at the most. Its arguments are JSON.
 */
import OpenAI from 'openai'
import { createMeter } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { postgresOutbox } from '@token-meter/postgres'
import { createCredits, type GuardOptions, type InsufficientCreditsError } from '../src/index.ts'

export interface GuardCallerOrder {
  /** A file, or a schema of the database at `url`. */
  readonly path: string
  readonly url?: string | undefined
  readonly provider: string
  readonly callers: number
  /** The body of every call, but for the seed of each. */
  readonly body: Readonly<Record<string, unknown>>
  readonly guard: GuardOptions
  readonly price: { readonly input: number; readonly output: number }
  /** Looks at the balance and then calls, as those do that hold nothing. */
  readonly isControl?: boolean
  readonly process: number
  /** When all processes begin, in ms since the epoch. */
  readonly beginAt: number
}

const order = JSON.parse(process.argv[2] ?? '') as GuardCallerOrder
const { url: connectionString, price } = order
const outbox =
  connectionString === undefined
    ? sqliteOutbox(order.path, { busyTimeoutMs: 5 })
    : postgresOutbox({ connectionString }, { schema: order.path })
const calculate = cost({ prices: () => ({ ...price, cachedInput: price.input }) })
const credits = createCredits({ outbox, cost: calculate, busyMs: 60_000 })
credits.on('error', (error) => console.error(error))
const meter = createMeter({
  providers: [openaiProvider],
  outbox,
  cost: calculate,
  ...(order.isControl !== true && {
    guard: credits.guard({ holdTimeoutMs: 60_000, ...order.guard }),
  }),
})
const raw = new OpenAI({ apiKey: 'k', baseURL: `${order.provider}/v1`, maxRetries: 0 })
const client = meter(raw, 'cus_1')
await new Promise((resolve) => setTimeout(resolve, order.beginAt - Date.now()))

let admitted = 0
async function caller(index: number): Promise<void> {
  for (let number = 0; ; number++) {
    if (order.isControl === true) {
      if (!(await credits.check('cus_1', { usd: '0.000001' })).allowed) return
    }
    const seed = (order.process * 10_000 + index) * 1000 + number
    try {
      await client.chat.completions.create({ ...(order.body as never as object), seed } as never)
    } catch (error) {
      const { code, available, required } = error as InsufficientCreditsError
      // Nobody is refused while there is enough.
      if (code === 'insufficient_credits' && Number(available) < Number(required)) return
      throw error
    }
    admitted++
  }
}

// A file that others have locked is waited for in the background, which keeps no process alive.
const alive = setInterval(() => {}, 1000)
await Promise.all(Array.from({ length: order.callers }, (_, index) => caller(index)))
clearInterval(alive)
await meter.close()
await outbox.close()
console.log(JSON.stringify({ admitted }))
