import type { AttributesOption } from './call/customer.ts'
import type { Provider } from './call/provider.ts'
import type { DeliveryOptions } from './delivery/delivery-options.ts'
import type { TokenMeterError } from './errors/token-meter-error.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { SinkFunction } from './sink/function-sink.ts'
import type { Sink } from './sink/sink.ts'

export interface MeterOptions<Client extends object = object> {
  /** Whose clients can be metered: `[openaiProvider, anthropicProvider]`. */
  readonly providers: readonly Provider<Client>[]
  /**
   * Where usage is kept until it is delivered, and afterwards as a ledger.
   * @default the `TOKEN_METER_OUTBOX` environment variable, else SQLite in `.token-meter/usage.db`,
   * else (no writable disk) memory
   */
  readonly outbox?: Outbox
  /** Where usage is delivered: billing backends, or any async functions. @default none */
  readonly sinks?: readonly (Sink | SinkFunction)[]
  /** Extra dimensions of every meter event. They cannot stand in for customer, value, model or token_type. */
  readonly attributes?: AttributesOption
  /**
   * What becomes of a call that nobody is named for: `record` keeps its usage unattributed, to be
   * attributed later; `throw` refuses the call before it is sent. @default 'record'
   */
  readonly onMissingCustomer?: 'record' | 'throw'
  /**
   * Told every fault of metering: nothing of it reaches the LLM call.
   * @default one `console.warn` per kind of fault and minute; usage that could not be kept is printed
   * whole, as JSON, each time
   */
  readonly onError?: (error: TokenMeterError) => void
  /** How delivery paces itself. */
  readonly delivery?: Partial<DeliveryOptions>
  /** How long settled records stay in the ledger, in ms. @default 35 days */
  readonly retentionMs?: number
}
