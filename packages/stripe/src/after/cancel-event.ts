import { freshKey, requestKey } from '../event-ids.ts'
import type { AfterTheFact } from './after-the-fact.ts'
import type { EventOfRecord } from './events-of-record.ts'

/**
 * Asks Stripe to take one event back. Asking again within a day is the same request, but for one that
 * it refused: v1 would repeat that, though its cause may be over.
 * @throws what stripe-node throws.
 */
export async function cancelEvent(
  { stripe, request }: AfterTheFact,
  api: 'v1' | 'v2',
  { event_name, identifier }: EventOfRecord,
): Promise<void> {
  const adjustments =
    api === 'v1' ? stripe.billing.meterEventAdjustments : stripe.v2.billing.meterEventAdjustments
  const key = `cancel:${await requestKey([{ identifier }])}`
  const ask = (idempotencyKey: string) =>
    adjustments.create(
      { event_name, type: 'cancel', cancel: { identifier } },
      { ...request, idempotencyKey },
    )
  try {
    await ask(key)
  } catch (error) {
    const { headers } = error as { readonly headers?: Readonly<Record<string, string>> }
    if (headers?.['idempotent-replayed'] !== 'true') throw error
    await ask(freshKey(key, Date.now()))
  }
}
