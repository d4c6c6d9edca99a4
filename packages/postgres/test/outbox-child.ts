/**
 * A process of its own that works on an outbox in Postgres:
 * `node outbox-child.ts <job> <url> <schema> [number...]`. It says what it did in lines on stdout.
 */
import { writeSync } from 'node:fs'
import type { Batch } from '@token-meter/core/outbox'
// By path, because the suites' entry needs vitest, which no child runs in.
import { exampleRecord } from '../../testkit/src/example-record.ts'
import { postgresOutbox, type PostgresOutbox } from '../src/postgres-outbox.ts'

const [, , job = '', connectionString = '', schema = '', ...numbers] = process.argv
const [first = 0, second = 0] = numbers.map(Number)

/** Written at once, so that it is out before a kill. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function deliver(outbox: PostgresOutbox, batch: Batch): Promise<void> {
  for (const { record } of batch.entries) say(`sent ${record.id}`)
  const settled = await outbox.settle(
    batch,
    batch.entries.map(() => ({ status: 'accepted' })),
  )
  say(settled ? `settled ${batch.id}` : `lost ${batch.id}`)
}

/** Says nothing more, and waits for the kill. */
function hang(): Promise<never> {
  setInterval(() => {}, 60_000)
  return new Promise(() => {})
}

const jobs: Readonly<Record<string, (outbox: PostgresOutbox) => unknown>> = {
  /** Keeps `first` records, some at a time. */
  produce: async (outbox) => {
    for (let left = first; left > 0;) {
      const records = Array.from({ length: Math.min(left, 1 + (left % 7)) }, () => exampleRecord())
      left -= records.length
      await Promise.all(records.map((record) => outbox.append([record])))
      for (const { id } of records) say(`kept ${id}`)
    }
  },
  'produce-for-ever': async (outbox) => {
    // While the database is away, nothing else keeps it alive.
    setInterval(() => {}, 60_000)
    for (;;) {
      const record = exampleRecord()
      await outbox.append([record])
      say(`kept ${record.id}`)
      // Nothing slows it down while the database is away.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  },
  /** Delivers until `first` records of all workers are settled. */
  deliver: async (outbox) => {
    for (;;) {
      const batch = await outbox.claim('alpha', { limit: 20, leaseMs: 60_000 })
      if (batch !== undefined) await deliver(outbox, batch)
      else if ((await outbox.stats('alpha')).delivered >= first) return
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
  },
  /** Claims with a lease of `second` ms, and hangs. */
  'claim-and-hang': async (outbox) => {
    say(JSON.stringify(await outbox.claim('alpha', { limit: first, leaseMs: second })))
    return hang()
  },
  /** Claims with a lease of `second` ms, waits until that is surely over, and settles. */
  'claim-and-dream': async (outbox) => {
    const batch = await outbox.claim('alpha', { limit: first, leaseMs: second })
    if (batch === undefined) throw new Error('nothing to claim')
    say(`claimed ${batch.id}`)
    await new Promise((resolve) => setTimeout(resolve, second * 2))
    await deliver(outbox, batch)
  },
  'use-once': async (outbox) => {
    await outbox.append([exampleRecord()])
    say(`recorded ${await outbox.recorded()}`)
  },
  /** Ends by itself, with nothing closed. */
  'append-unclosed': async (outbox) => {
    await outbox.append([exampleRecord()])
    say('kept')
  },
  /** Appends to a database that is away, and ends by itself. */
  'append-unreachable': (outbox) => {
    outbox.append([exampleRecord()]).then(
      () => say('kept'),
      (error: unknown) => say(String(error)),
    )
    say('went on')
  },
}

try {
  const outbox = postgresOutbox({ connectionString }, { schema })
  await jobs[job]?.(outbox)
  if (!job.startsWith('append-')) await outbox.close()
} catch (error) {
  say(String(error))
  process.exitCode = 1
}
