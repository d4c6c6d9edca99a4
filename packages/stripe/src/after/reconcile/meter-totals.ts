import { sleep } from '@token-meter/core/sink'
import type Stripe from 'stripe'
import type { AfterTheFact } from '../after-the-fact.ts'
import { ReconcileError } from './reconcile-report.ts'

/** Which events of a meter. Whole minutes, in ms since the epoch. */
export interface TotalOf {
  readonly eventName: string
  readonly customer: string
  readonly fromMs: number
  readonly untilMs: number
}

/** What Stripe bills by its meters, asked one request at a time. */
export interface MeterTotals {
  /** Why the meter of an event name cannot be compared; `undefined` when it can. */
  problem(eventName: string): string | undefined
  /** @throws ReconcileError when Stripe does not say. */
  total(of: TotalOf): Promise<number>
}

/** @throws ReconcileError when the meters cannot be listed. */
export async function meterTotals(
  after: AfterTheFact,
  signal: AbortSignal | undefined,
): Promise<MeterTotals> {
  const { stripe, request } = after
  const meters = new Map<string, Stripe.Billing.Meter>()
  await asked(after, signal, 'list the meters', async () => {
    for await (const meter of stripe.billing.meters.list({ limit: 100 }, request)) {
      // An event name can have had other meters before the one that is active.
      if (meters.get(meter.event_name)?.status !== 'active') meters.set(meter.event_name, meter)
    }
  })

  return {
    problem(eventName) {
      const meter = meters.get(eventName)
      if (meter === undefined) return 'there is no meter for this event name'
      if (meter.default_aggregation.formula !== 'sum') return 'its meter does not sum'
      if (meter.event_time_window) return 'its meter counts only the latest event of a window'
      return undefined
    },
    async total({ eventName, customer, fromMs, untilMs }) {
      const { id = '' } = meters.get(eventName) ?? {}
      const window = { customer, start_time: fromMs / 1000, end_time: untilMs / 1000, limit: 100 }
      return await asked(after, signal, `sum up ${eventName}`, async () => {
        const { data } = await stripe.billing.meters.listEventSummaries(id, window, request)
        return data.reduce((sum, { aggregated_value: value }) => sum + value, 0)
      })
    },
  }
}

const mostTries = 5

/** stripe-node does not repeat what was too fast. */
async function asked<Answer>(
  after: AfterTheFact,
  signal: AbortSignal | undefined,
  what: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    try {
      return await ask()
    } catch (error) {
      const { statusCode } = error as { readonly statusCode?: number }
      if (statusCode !== 429 || tries === mostTries) {
        const hint =
          statusCode === 401 || statusCode === 403
            ? ' Give the API key the permission "Billing meters: Read".'
            : ''
        const why = after.readable(error)
        throw new ReconcileError(`Stripe did not ${what}: ${why}.${hint}`, { cause: error })
      }
      await sleep(500 * 2 ** tries, { signal, keepsAlive: true })
    }
  }
}
