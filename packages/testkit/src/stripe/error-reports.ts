import { randomUUID } from 'node:crypto'
import type { FakeEndpoint } from './fake-endpoint.ts'
import { refusedAccess } from './access.ts'
import type { MeterEventFailure } from './meter-event-failure.ts'
import type { MeterEventLedger } from './meter-event-ledger.ts'
import { meterId } from './meters-endpoint.ts'
import { refused } from './stripe-answer.ts'

export interface ErrorReportOptions {
  /** Failures of one kind that a report names; it counts the rest. @default Infinity */
  readonly samples?: number
  /** How a sample names its event; Stripe's own examples differ. @default 'identifier' */
  readonly namedBy?: 'identifier' | 'idempotency_key'
}

/** What Stripe tells a webhook about events that it accepted and then could not bill. */
export interface ErrorReports {
  /** `GET /v2/core/events/{id}`: what a notification leaves out. */
  readonly endpoint: FakeEndpoint
  /** The bodies of notifications about what failed since the last call, one for each meter. */
  report(options?: ErrorReportOptions): readonly string[]
}

export function createErrorReports(
  ledger: MeterEventLedger,
  { apiKey, mayReadEvents, now }: { apiKey: string; mayReadEvents: boolean; now: () => number },
): ErrorReports {
  const events = new Map<string, object>()
  const path = /^\/v2\/core\/events\/([^/]+)$/
  let reported = 0

  function notification(failures: readonly MeterEventFailure[], options: ErrorReportOptions) {
    const [first] = failures
    const isWithoutMeter = first?.code === 'no_meter'
    const name = first?.event.event_name ?? ''
    const body = {
      id: `evt_test_${randomUUID()}`,
      object: 'v2.core.event',
      type: `v1.billing.meter.${isWithoutMeter ? 'no_meter_found' : 'error_report_triggered'}`,
      livemode: true,
      created: new Date(now()).toISOString(),
      ...(!isWithoutMeter && { related_object: relatedMeter(meterId(name)) }),
    }
    const data = {
      developer_message_summary: `There were ${failures.length} events that could not be billed.`,
      validation_start: new Date(Math.min(...failures.map(({ at }) => at))).toISOString(),
      validation_end: new Date(now()).toISOString(),
      reason: { error_count: failures.length, error_types: errorTypes(failures, options) },
    }
    events.set(body.id, { ...body, data })
    return JSON.stringify(body)
  }

  return {
    endpoint: {
      api: 'core_events',
      method: 'GET',
      path,
      access: (request) => {
        const refusal = refusedAccess(request, apiKey, true)
        if (refusal !== undefined || mayReadEvents) return refusal
        const message = `The provided key '${apiKey}' does not have the required permissions for this endpoint.`
        return refused(403, { code: 'more_permissions_required', message })
      },
      process: (request) => {
        const event = events.get(path.exec(request.path)?.[1] ?? '')
        if (event !== undefined) return { status: 200, body: event }
        return refused(404, { code: 'not_found', message: 'No such event.' })
      },
    },
    report(options = {}) {
      const fresh = ledger.failures.slice(reported)
      reported = ledger.failures.length
      const byMeter = Map.groupBy(fresh, ({ code, event }) =>
        JSON.stringify([code === 'no_meter', event.event_name]),
      )
      return [...byMeter.values()].map((failures) => notification(failures, options))
    },
  }
}

function relatedMeter(id: string) {
  return { id, type: 'billing.meter', url: `/v1/billing/meters/${id}` }
}

function errorTypes(
  failures: readonly MeterEventFailure[],
  { samples = Infinity, namedBy = 'identifier' }: ErrorReportOptions,
) {
  const byCode = Map.groupBy(failures, ({ code }) => code)
  return [...byCode].map(([code, ofCode]) => ({
    code,
    error_count: ofCode.length,
    sample_errors: ofCode.slice(0, samples).map(({ message, event, idempotencyKey }) => ({
      error_message: message,
      request:
        namedBy === 'identifier'
          ? { identifier: event.identifier }
          : { id: '', idempotency_key: idempotencyKey },
    })),
  }))
}
