import type { FakeServerOptions } from '../http/fake-server.ts'
import type { LagoEventInput } from './lago-event-input.ts'

/** How a fake Lago behaves. */
export interface FakeLagoOptions extends FakeServerOptions {
  /** The key that is accepted. @default a UUID, as Lago's keys are */
  readonly apiKey?: string
  /**
   * Where events are kept. `postgres`: an id that a subscription has already is a 422 for the whole
   * batch. `clickhouse`: an event with the id, the time, the code and the subscription of another
   * replaces it. @default 'postgres'
   */
  readonly store?: 'postgres' | 'clickhouse'
  /**
   * True: where one event of a batch is a duplicate, the others are kept all the same, though the
   * answer is a 422. Lago can do so when events have a database of their own. @default false
   */
  readonly keepsNeighbours?: boolean
  /** Codes that have a billable metric; other events are kept and not billed. @default any */
  readonly billableMetrics?: readonly string[]
  /** External ids of active subscriptions; events of others are kept and not billed. @default any */
  readonly subscriptions?: readonly string[]
  /** External ids of subscriptions that have ended. @default none */
  readonly terminatedSubscriptions?: readonly string[]
  /**
   * The expression of the billable metric: what it says is wrong with an event, as text, or nothing.
   * @default nothing
   */
  readonly expression?: ((event: LagoEventInput) => string | undefined) | undefined
  /** False: a 403 for events. @default true */
  readonly mayWriteEvents?: boolean
  /** False: a 403 for questions about billable metrics and subscriptions. @default true */
  readonly mayRead?: boolean
  /** Events in a batch at the most, LAGO_EVENTS_BATCH_MAX_LENGTH. @default 100 */
  readonly maxBatchEvents?: number
  /** Of the organization. @default Infinity */
  readonly requestsPerSecond?: number
}
