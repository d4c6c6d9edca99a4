import { createIdentifiers } from './identifiers.ts'
import type { FakeRequest } from '../http/fake-request.ts'
import { cancelEvent } from './cancel-event.ts'
import type { MeterEventFailure } from './meter-event-failure.ts'
import type { MeterEventParams } from './meter-event-params.ts'
import { brokenRule, type BrokenRule } from './meter-event-rules.ts'

/** The events of all APIs: those that are billed, and those that failed after they were accepted. */
export interface MeterEventLedger {
  /** Everything that is billed, in order of arrival. */
  readonly events: readonly MeterEventParams[]
  readonly failures: readonly MeterEventFailure[]
  /** The rule that an event breaks, of those that Stripe looks at before it answers. */
  brokenRule(event: MeterEventParams, request: FakeRequest): BrokenRule | undefined
  isTaken(identifier: string | undefined, request: FakeRequest): boolean
  /** Bills an accepted event, or notes why that failed. */
  add(event: MeterEventParams, request: FakeRequest, broken?: BrokenRule): void
  /** Lets events fail that are billed already; the code is that of the report. */
  fail(select: (event: MeterEventParams) => boolean, code: string, message: string): void
  /** Takes an event back; the answer is why that cannot be, or `undefined`. */
  cancel(eventName: string, identifier: string, request: FakeRequest): string | undefined
}

export interface MeterEventLedgerOptions {
  readonly meters: readonly string[] | undefined
  readonly customers: readonly string[] | undefined
}

export function createMeterEventLedger(options: MeterEventLedgerOptions): MeterEventLedger {
  const { meters, customers } = options
  const events: MeterEventParams[] = []
  const failures: MeterEventFailure[] = []
  const receivedAt = new Map<MeterEventParams, number>()
  const keyOf = new Map<MeterEventParams, string | undefined>()
  const identifiers = createIdentifiers()

  function unknownCustomer({ payload }: MeterEventParams): BrokenRule | undefined {
    const { stripe_customer_id: customer = '' } = payload
    if (customers === undefined || customers.includes(customer)) return undefined
    const message = `The customer ${customer} does not exist.`
    return { refusal: { message }, reportedAs: 'meter_event_customer_not_found' }
  }

  return {
    events,
    failures,
    brokenRule: (event, { at }) => brokenRule(event, { meters, now: at }),
    isTaken: (identifier, { at }) => identifier !== undefined && identifiers.has(identifier, at),
    add: (event, request, broken = unknownCustomer(event)) => {
      const { at } = request
      const idempotencyKey = request.headers['idempotency-key'] as string | undefined
      if (broken === undefined) {
        if (event.identifier !== undefined) identifiers.take(event.identifier, at)
        events.push(event)
        receivedAt.set(event, at)
        keyOf.set(event, idempotencyKey)
        return
      }
      // What failed does not exist, so its identifier stays free.
      const { message } = broken.refusal
      failures.push({ code: broken.reportedAs, message, event, idempotencyKey, at })
    },
    fail: (select, code, message) => {
      for (const event of events.filter(select)) {
        events.splice(events.indexOf(event), 1)
        const at = receivedAt.get(event) ?? 0
        failures.push({ code, message, event, idempotencyKey: keyOf.get(event), at })
      }
    },
    cancel: (eventName, identifier, { at }) =>
      cancelEvent(events, receivedAt, { eventName, identifier, now: at }),
  }
}
