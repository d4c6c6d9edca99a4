import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerEntry, Outbox } from '@token-meter/core'
import type { StripeApi } from '@token-meter/stripe'
import { startReplayServer } from '../replay/replay-server.ts'
import { startFakeStripe } from '../stripe/fake-stripe.ts'
import { audit } from './audit.ts'
import { bundleWorker } from './bundle-worker.ts'
import { openOutbox, type OutboxPlace } from './crash-outbox.ts'
import type { CrashReport } from './crash-report.ts'
import { createFaultPlan } from './fault-plan.ts'
import { plannedReply } from './provider.ts'
import { countRepeats } from './repeats.ts'
import { readSideLog } from './side-log.ts'
import { endedByItself, startWorker, WorkerSlot } from './worker-slot.ts'

export interface CrashRunOptions {
  /** How many SIGKILLs, at least. */
  readonly kills: number
  /** Decides the calls, when each process is killed, and which request gets which fault. */
  readonly seed: string
  /** @default a new SQLite file */
  readonly outbox?: OutboxPlace
  /** @default 'v2' */
  readonly api?: StripeApi
  /** Told of each kill: how many there were. */
  readonly onKill?: (kills: number) => void
}

/** Two of each, and one that does both, as most applications do. */
const roles = ['produce', 'deliver', 'both', 'produce', 'deliver'] as const

/**
 * Kills producers and deliveries of one outbox, again and again, while Stripe misbehaves; then lets
 * one last delivery finish in peace, and compares what was recorded with what is billed.
 * @throws Error when that last delivery fails.
 */
export async function crashRun(options: CrashRunOptions): Promise<CrashReport> {
  const { kills: wanted, seed, api = 'v2' } = options
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-crash-'))
  const place = options.outbox ?? { kind: 'sqlite', path: join(folder, 'usage.db') }
  const sideLog = join(folder, 'resolved.log')
  writeFileSync(sideLog, '')
  await using stripe = await startFakeStripe()
  await using provider = await startReplayServer()
  provider.serve(plannedReply, { times: Infinity })
  const faults = createFaultPlan(stripe, seed)
  faults.keepGoing()
  const reported: Record<string, number> = {}
  const fault = (message: string) => {
    const kind = message.replaceAll(/[0-9a-f-]{20,}|\d+/g, '#').slice(0, 120)
    reported[kind] = (reported[kind] ?? 0) + 1
  }
  const order = {
    script: await bundleWorker(join(folder, 'worker')),
    outbox: place,
    sideLog,
    api,
    stripeUrl: stripe.url,
    stripeKey: stripe.apiKey,
    providerUrl: provider.url,
  }

  const startedAt = performance.now()
  let kills = 0
  let killsAtWork = 0
  const enough = Promise.withResolvers<void>()
  const slots = roles.map(
    (role, index) =>
      new WorkerSlot({ ...order, role, name: `${seed}.${role}.${index}` }, seed, {
        due: (slot, together) => {
          if (kills >= wanted) return
          for (const victim of together ? slots : [slot]) victim.kill()
        },
        killed: ({ wasReady }) => {
          kills += 1
          if (wasReady) killsAtWork += 1
          faults.keepGoing()
          options.onKill?.(kills)
          if (kills >= wanted) enough.resolve()
        },
        fault,
      }),
  )
  for (const slot of slots) slot.start()
  await enough.promise
  await Promise.all(slots.map((slot) => slot.end()))
  faults.end()

  const calmAt = performance.now()
  const last = startWorker({ ...order, role: 'drain', name: `${seed}.drain` }, fault)
  const [code] = await once(last, 'exit')
  if (code !== 0)
    throw new Error(`the last delivery ended with ${code}: ${JSON.stringify(reported)}`)
  const drainedAt = performance.now()

  const outbox = await openOutbox(place)
  const ledger = await wholeLedger(outbox)
  const stats = await outbox.stats('stripe')
  await outbox.close()
  const resolved = readSideLog(sideLog)
  rmSync(folder, { recursive: true })
  const ended = Object.keys(reported).filter((kind) => kind.startsWith(endedByItself))
  const found = audit({ ledger, stats, meterEvents: stripe.meterEvents, resolved })
  return {
    rows: found.rows,
    problems: [...ended, ...found.problems],
    seed,
    kills,
    killsAtWork,
    resolved: resolved.length,
    records: ledger.length,
    stats,
    meterEvents: stripe.meterEvents.length,
    requests: byStatus(stripe.requests),
    repeats: countRepeats(stripe.requests, faults.at),
    faults: faults.served(),
    reported,
    tokens: found.rows.reduce((sum, { billed }) => sum + billed, 0),
    killingMs: calmAt - startedAt,
    drainingMs: drainedAt - calmAt,
  }
}

async function wholeLedger(outbox: Outbox): Promise<readonly LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  let after: number | undefined
  do {
    const page = await outbox.ledger('stripe', after === undefined ? {} : { after })
    entries.push(...page.entries)
    after = page.next
  } while (after !== undefined)
  return entries
}

function byStatus(requests: readonly { readonly status: number | undefined }[]) {
  const counts: Record<string, number> = {}
  for (const { status = 'none' } of requests) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
