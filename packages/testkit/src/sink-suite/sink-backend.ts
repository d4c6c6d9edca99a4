import type { Sink } from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/wire'
import type { Fault, FaultOptions } from '../http/fault.ts'

/** What the suite needs of a fake billing backend; `startFakeStripe` is one. */
export interface SinkBackend {
  /** Every request so far. */
  readonly requests: readonly unknown[]
  /** What is billed, one row per customer, model and token type. */
  billed(): readonly BilledRow[]
  /** Lets the next request, or those that the options name, go wrong. */
  failWith(fault: Fault, options?: FaultOptions): void
  /** Forgets all faults still to come. */
  recover(): void
  close(): Promise<void>
}

/** What a customer is billed for one model and token type. */
export interface BilledRow {
  readonly customer: string
  readonly model: string
  readonly tokenType: string
  /** Tokens. */
  readonly value: number
}

/** How the suite gets what it tests. */
export interface SinkSuite<Backend extends SinkBackend> {
  /** Starts a fresh backend for one test. */
  readonly backend: () => Promise<Backend>
  /** A sink that sends to the backend, gives a request `timeoutMs`, and has no limit of its own. */
  readonly create: (backend: Backend, options: { readonly timeoutMs: number }) => Sink
  /** A record that the backend refuses for good, and what the reason must say. */
  readonly poison: { readonly record: Partial<UsageRecord>; readonly reason: RegExp }
  /** The backend's own answer of success is empty, so that an empty one cannot be told from it. */
  readonly hasEmptySuccess?: true
}
