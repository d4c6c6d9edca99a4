/**
 * Whether usage is live or test usage. It is decided once, when a record is made, and travels with
 * it (`record.livemode`), because the keys can be others by the time it is delivered:
 *
 *     createMeter({ livemode }), else TOKEN_METER_MODE ─────────────> what it says
 *     else a meter with sinks that bill ── any of them is live ─────> live
 *                                       └─ all are sandboxes ───────> test
 *     else a meter that createMeter made (it records, others send) ─> live
 *     else a meter from the environment that has no backend:
 *          its outbox had known a live sink (a worker sends) ───────> live
 *          it had not (nobody has set a key yet) ───────────────────> test
 *
 * Test usage goes to sandboxes and observers, and never to a live sink unless `outbox.release` says
 * so; live usage goes everywhere (outbox/outbox.ts).
 */
import { valueBefore } from '../lib/timing.ts'
import { variable } from '../environment/runtime.ts'
import { ConfigError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { SinkMode } from '../outbox/known-sinks.ts'
import type { Sink } from '../sink/sink.ts'

/** How long a record waits for the answer, in ms: it is nowhere safe meanwhile. */
const patienceMs = 1000
/** How soon an outbox is asked again, in ms, whether it knows a live sink by now. */
const askAgainMs = 1000

/**
 * What `TOKEN_METER_MODE` says; nothing where it is not set.
 * @param onlyWarns where a wrong value is said on the console, and counts as not set.
 * @throws ConfigError when it says something else than live or test.
 */
export function environmentLivemode(onlyWarns = false): boolean | undefined {
  const mode = variable('TOKEN_METER_MODE')
  if (mode === undefined) return undefined
  if (mode === 'live' || mode === 'test') return mode === 'live'
  const wrong = `TOKEN_METER_MODE must be "live" or "test", got ${JSON.stringify(mode.slice(0, 40))}`
  if (!onlyWarns) throw new ConfigError(wrong)
  console.warn(`[token-meter] ${wrong}: it is taken as not set`)
  return undefined
}

/** The mode of a sink, with the defaults. */
export function sinkMode({ livemode = true, bills = true }: Sink): SinkMode {
  if (!bills) return 'observer'
  return livemode ? 'live' : 'test'
}

/** Decides for each record. */
export type Livemode = () => boolean | Promise<boolean>

/**
 * @param stated what an option or the environment says.
 * @param isFromEnvironment for a meter that configured itself.
 */
export function livemodeOf(
  stated: boolean | undefined,
  sinks: readonly Sink[],
  outbox: Outbox,
  isFromEnvironment: boolean,
): Livemode {
  if (stated !== undefined) return () => stated
  const modes = sinks.map(sinkMode).filter((mode) => mode !== 'observer')
  if (modes.length > 0) return () => modes.includes('live')
  if (!isFromEnvironment) return () => true
  return hasLiveSink(outbox)
}

/** Asked now and then: the sink that sends may be known later than the first call is recorded. */
function hasLiveSink(outbox: Outbox): Livemode {
  let known: boolean | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<boolean> | undefined
  const ask = (): boolean | Promise<boolean> => {
    askedAt = performance.now()
    const found = outbox.sinks()
    const isAny = (sinks: Awaited<typeof found>) =>
      (known = sinks.some(({ mode }) => mode === 'live'))
    return 'then' in found ? found.then(isAny) : isAny(found)
  }
  return () => {
    if (known !== undefined && performance.now() - askedAt < askAgainMs) return known
    try {
      if (asking === undefined) {
        const answer = ask()
        if (typeof answer === 'boolean') return answer
        asking = valueBefore(performance.now() + patienceMs, () => answer)
          .catch(() => undefined)
          .then((soon) => (known ??= soon?.value ?? false))
          .finally(() => (asking = undefined))
      }
      // What it said last holds until it has answered again.
      return known ?? asking
    } catch {
      // What cannot be known is held, and told: that is put right by a call, a bill is not.
      return known ?? false
    }
  }
}
