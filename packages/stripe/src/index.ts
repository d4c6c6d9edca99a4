export { stripeSink } from './stripe-sink.ts'
export type { StripeApi, StripeSinkOptions } from './options.ts'
export type { CostOption, TokenTypesOption, ValueOption } from './stripe-events.ts'
export type { CostUnit } from './whole-units.ts'

export { meterErrorHandler, type MeterErrorHandlerOptions } from './after/meter-error-handler.ts'
export type { MeterErrorReport, RefusedRecord } from './after/meter-error-report.ts'
export { cancelUsage, type CancelledUsage, type CancelUsageOptions } from './after/cancel-usage.ts'
export { CancelError } from './after/cancel-usage.ts'
export { reconcileUsage, type ReconcileUsageOptions } from './after/reconcile/reconcile-usage.ts'
export { ReconcileError } from './after/reconcile/reconcile-report.ts'
export type {
  MeterSum,
  ReconcileAction,
  ReconcileReport,
  Unresolved,
} from './after/reconcile/reconcile-report.ts'
export type { AfterTheFactOptions } from './after/after-the-fact.ts'
export type { PricedBy } from './after/events-of-record.ts'
