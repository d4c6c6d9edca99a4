import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StripeApi } from '@token-meter/stripe'
import { stripeOpenApi } from '../internal/shared-folder.ts'
import { startReplayServer } from '../replay/replay-server.ts'
import { startFakeStripe } from '../stripe/fake-stripe.ts'
import { audit } from './audit.ts'
import { bundleWorker } from './bundle-worker.ts'
import { readCallLogs } from './call-log.ts'
import { countAnswers } from './count-answers.ts'
import { type OutboxPlace, readOutbox } from './crash-outbox.ts'
import type { CrashReport } from './crash-report.ts'
import { createFaultPlan } from './fault-plan.ts'
import { countKill, noKills } from './kill-counts.ts'
import { plannedReply } from './provider.ts'
import { createRandom } from './random.ts'
import { countRepeats } from './repeats.ts'
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
  /** Sums are sent in place of single records. @default false */
  readonly aggregate?: boolean
  /** Told of each kill: how many there were. */
  readonly onKill?: (kills: number) => void
}

/** Two of each, and one that does both, as most applications do. */
const roles = ['produce', 'deliver', 'both', 'produce', 'deliver'] as const

/** Time between two events of a model's stream, so that processes die in the middle of one. */
const streamGapMs = 8

/**
 * Kills producers and deliveries of one outbox, again and again, while Stripe misbehaves; then lets
 * one last delivery finish in peace, and compares what was recorded with what is billed.
 */
export async function crashRun(options: CrashRunOptions): Promise<CrashReport> {
  const { kills: wanted, seed, api = 'v2', aggregate = false } = options
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-crash-'))
  const callLogs = join(folder, 'calls')
  const momentLogs = join(folder, 'moments')
  for (const logs of [callLogs, momentLogs]) mkdirSync(logs)
  const given = options.outbox ?? { kind: 'sqlite', path: join(folder, 'usage.db') }
  const place: OutboxPlace =
    given.kind === 'postgres' ? { spoolFolder: join(folder, 'spool'), ...given } : given
  const random = createRandom(`${seed} run`)
  // Stripe does not say what its stream does with an identifier that it has.
  const streamDuplicates = random.oneOf(['ignored', 'refused'])
  await using stripe = await startFakeStripe({ streamDuplicates, openApi: stripeOpenApi() })
  await using provider = await startReplayServer({ gapMs: streamGapMs })
  provider.serve(plannedReply, { times: Infinity })
  const faults = createFaultPlan(stripe, seed)
  faults.keepGoing()
  const reported: Record<string, number> = {}
  const enough = Promise.withResolvers<void>()
  const fault = (message: string) => {
    if (message.startsWith(endedByItself)) enough.resolve()
    const kind = message.replaceAll(/[0-9a-f-]{20,}|\d+/g, '#').slice(0, 120)
    reported[kind] = (reported[kind] ?? 0) + 1
  }
  const order = {
    script: await bundleWorker(join(folder, 'worker'), place.kind),
    outbox: place,
    callLogs,
    momentLogs,
    api,
    aggregate,
    stripeUrl: stripe.url,
    stripeKey: stripe.apiKey,
    providerUrl: provider.url,
  }

  const startedAt = performance.now()
  let kills = 0
  const killedIn = noKills()
  // Files are named so.
  const runName = encodeURIComponent(seed).slice(0, 100)
  const slots = roles.map(
    (role, index) =>
      new WorkerSlot({ ...order, role, name: `${runName}.${role}.${index}` }, seed, {
        due: (slot, together) => {
          if (kills >= wanted) return
          for (const victim of together ? slots : [slot]) victim.kill()
        },
        killed: ({ moments }) => {
          kills += 1
          countKill(killedIn, moments)
          faults.keepGoing()
          if (random.next() < 0.1) stripe.endSessions()
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
  const meterEventsByThen = stripe.meterEvents.length
  const requestsByThen = stripe.requests.length
  const last = startWorker({ ...order, role: 'drain', name: `${runName}.drain` }, fault)
  const [code] = await once(last, 'exit')
  const drainedAt = performance.now()

  const { ledger, stats } = await readOutbox(place)
  const resolved = readCallLogs(callLogs)
  rmSync(folder, { recursive: true })
  const ended = Object.keys(reported).filter((kind) => kind.startsWith(endedByItself))
  if (code !== 0) ended.push(`the last delivery ended with ${code}`)
  const { meterEvents } = stripe
  const found = audit({ ledger, stats, meterEvents, resolved, aggregate })
  return {
    ...found,
    problems: [...ended, ...found.problems],
    seed,
    outbox: place.kind,
    api,
    aggregate,
    kills,
    killedIn,
    ...countAnswers(provider.requests, ledger),
    resolved: resolved.length,
    acknowledged: resolved.filter(({ recordId }) => recordId !== undefined).length,
    records: ledger.length,
    stats,
    meterEvents: meterEvents.length,
    meterEventsByThen,
    requestsByThen,
    requests: byStatus(stripe.requests),
    repeats: countRepeats(stripe.requests, faults.at),
    faults: faults.served(),
    reported,
    tokens: found.rows.reduce((sum, { billed }) => sum + billed, 0),
    killingMs: calmAt - startedAt,
    drainingMs: drainedAt - calmAt,
  }
}

function byStatus(requests: readonly { readonly status: number | undefined }[]) {
  const counts: Record<string, number> = {}
  for (const { status = 'none' } of requests) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
