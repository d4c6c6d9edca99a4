/**
 * A process of its own that works on an outbox file, for the tests beside it:
 * `node outbox-child.ts <job> <path> [number...]`. It says what it did in lines on stdout.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Outbox } from '../../src/outbox/outbox.ts'
// By path, because the suites' entry needs vitest, which no child runs in.
import { exampleRecord } from '../../../testkit/src/example-record.ts'
import { sqliteOutbox } from '../../src/outbox/sqlite/sqlite-outbox.ts'

const [, , job = '', path = '', ...numbers] = process.argv
const [first = 0, second = 0] = numbers.map(Number)

/** Written at once, so that it is out before a kill. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

function appendOne(outbox: Outbox): string {
  const record = exampleRecord()
  void outbox.append([record])
  return record.id
}

/** Keeps `first` records and delivers whatever comes, until all `second` of all workers are. */
async function work(outbox: Outbox): Promise<void> {
  let left = first
  let turn = 0
  for (;;) {
    for (let count = 0; count < 5 && left > 0; count++, left--) say(`kept ${appendOne(outbox)}`)
    const batch = await outbox.claim('alpha', { limit: 7, leaseMs: 60_000 })
    if (batch !== undefined) {
      const results = batch.entries.map(() => ({
        status: turn++ % 5 === 0 ? ('retry' as const) : ('accepted' as const),
        reason: 'every fifth comes again',
      }))
      if (!(await outbox.settle(batch, results))) throw new Error('lost a lease that was not over')
      batch.entries.forEach(({ record }, index) => {
        if (results[index]?.status === 'accepted') say(`delivered ${record.id}`)
      })
    }
    const { recorded, pending } = await outbox.stats('alpha')
    if (left === 0 && recorded >= second && pending === 0) return
    // Lets the other processes have their turn, in whatever order the system likes.
    if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function produce(outbox: Outbox): Promise<void> {
  for (let count = 0; count < first; count++) {
    say(appendOne(outbox))
    if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Says each record at the moment at which it would be sent, until `first` are delivered. */
async function deliver(outbox: Outbox): Promise<void> {
  while ((await outbox.stats('alpha')).delivered < first) {
    const batch = await outbox.claim('alpha', { limit: 9, leaseMs: 60_000 })
    for (const { record } of batch?.entries ?? []) say(record.id)
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (batch === undefined) continue
    const settled = await outbox.settle(
      batch,
      batch.entries.map(() => ({ status: 'accepted' })),
    )
    if (!settled) throw new Error('lost a lease that was not over')
  }
}

/** Says nothing more, and waits for the kill. */
function hang(): Promise<never> {
  setInterval(() => {}, 60_000)
  return new Promise(() => {})
}

/** Opens new files, one every 20 ms from the moment `first`, as other processes do then too. */
function openTogether(): void {
  for (let file = 0; file < second; file++) {
    while (Date.now() < first + file * 20);
    void sqliteOutbox(join(path, `${file}.db`)).close()
    say('opened')
  }
}

const jobs: Readonly<Record<string, (outbox: Outbox) => unknown>> = {
  'append-one': appendOne,
  'append-and-hang': (outbox) => {
    for (let count = 0; count < first; count++) say(appendOne(outbox))
    say('done')
    return hang()
  },
  'append-for-ever': (outbox) => {
    for (;;) say(appendOne(outbox))
  },
  'claim-and-hang': async (outbox) => {
    say(JSON.stringify(await outbox.claim('alpha', { limit: first, leaseMs: second })))
    return hang()
  },
  'claim-and-settle-for-ever': async (outbox) => {
    for (;;) {
      const batch = await outbox.claim('alpha', { limit: 3, leaseMs: 1 })
      if (batch === undefined) continue
      const settled = await outbox.settle(
        batch,
        batch.entries.map(() => ({ status: 'accepted' })),
      )
      if (settled) for (const { record } of batch.entries) say(record.id)
    }
  },
  work,
  produce,
  deliver,
}

/** Appends in groups that only the end of the process writes. */
function group(): void {
  const outbox = sqliteOutbox(path, { durability: 'group', groupMs: 1000 })
  for (let count = 0; count < first; count++) appendOne(outbox)
  if (job === 'group-and-exit') process.exit(7)
  if (job === 'group-and-throw') {
    setImmediate(() => {
      throw new Error('an error that the test wants, and nobody handles')
    })
  }
}

/** Says each record with the time of its append, after it. */
async function groupForEver(): Promise<void> {
  const outbox = sqliteOutbox(path, { durability: 'group' })
  for (;;) {
    const at = performance.now()
    say(`${appendOne(outbox)} ${at}`)
    if (Math.random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

try {
  if (job === 'open-together') openTogether()
  else if (job === 'group-for-ever') await groupForEver()
  else if (job.startsWith('group-and')) group()
  else {
    const outbox = sqliteOutbox(path, { busyTimeoutMs: 20_000 })
    await jobs[job]?.(outbox)
    await outbox.close()
  }
} catch (error) {
  say(String(error))
  process.exitCode = 1
}
