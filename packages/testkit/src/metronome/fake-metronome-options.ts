import type { FakeServerOptions } from '../http/fake-server.ts'

/** How a fake Metronome behaves. */
export interface FakeMetronomeOptions extends FakeServerOptions {
  /** The token that is accepted. @default 'metronome-token-fake' */
  readonly bearerToken?: string
  /** False: the token's scope leaves the endpoint out, and every request gets a 403. @default true */
  readonly mayIngest?: boolean
  /**
   * Ids and ingest aliases that belong to a customer; events of others are accepted, and billed when
   * `addCustomer` comes later. @default any
   */
  readonly customers?: readonly string[]
  /** Event types that a billable metric listens to; others are accepted and not billed. @default any */
  readonly eventTypes?: readonly string[]
  /** Events a second beyond which requests get a 429. @default Infinity */
  readonly eventsPerSecond?: number
}
