/**
 * A process that holds, settles by append and releases until it is killed. What it was told to be done it
 * prints, a line each: `settled <record>`. Its argument is JSON.
 */
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { createCredits } from '../src/index.ts'
import { exampleRecord } from '@token-meter/testkit'

export interface HolderOrder {
  /** A file, or a schema of the database at `url`. */
  readonly path: string
  readonly url?: string | undefined
  readonly spool?: string
  readonly durability?: 'process' | 'group'
  readonly process: string
}

const {
  path,
  url: connectionString,
  spool = '',
  durability,
  process: name,
} = JSON.parse(process.argv[2] ?? '') as HolderOrder
const outbox =
  connectionString === undefined
    ? sqliteOutbox(path, { busyTimeoutMs: 5, ...(durability && { durability }) })
    : postgresOutbox({ connectionString }, { schema: path, spoolFolder: spool })
const credits = createCredits({ outbox, busyMs: 60_000 })
credits.pool({ id: 'team', usd: '1000000', period: 'month' })

function costing(id: string, billed: string, customer: string) {
  const cost = { currency: 'USD', provider: billed, billed, source: 'prices' } as const
  return exampleRecord({ id, customer, cost })
}

async function call(caller: number): Promise<void> {
  for (let number = 0; ; number++) {
    const id = `${name}c${caller}n${number}`
    const customer = `cus_${number % 3}`
    const hold = await credits.hold(customer, {
      usd: '0.05',
      ttlMs: 1000,
      ...(number % 2 === 0 && { id }),
      ...(number % 3 === 0 && { pools: ['team'] }),
    })
    if (number % 5 === 4) {
      await hold.release()
      continue
    }
    await outbox.append(
      [costing(`${id}a`, '0.0123', customer), costing(`${id}b`, '0.000000000007', customer)],
      { holdIds: [hold.id] },
    )
    if (number % 10 === 0) console.log(`settled ${id}a`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

setInterval(() => {}, 1000)
await Promise.all([0, 1, 2].map(call))
