import type { SinkStats } from '@token-meter/core'
import type { StripeApi } from '@token-meter/stripe'
import type { Audit } from './audit.ts'
import type { KillCounts } from './kill-counts.ts'

/** What a crash run came to. */
export interface CrashReport extends Audit {
  readonly seed: string
  readonly outbox: string
  readonly api: StripeApi
  readonly aggregate: boolean
  /** SIGKILLs of processes. */
  readonly kills: number
  readonly killedIn: KillCounts
  /** Answers of models that were sent whole, and those whose process died before it recorded them. */
  readonly answers: number
  readonly answersUnrecorded: number
  /** Calls that had resolved, and those of them whose usage had been acknowledged by then. */
  readonly resolved: number
  readonly acknowledged: number
  readonly records: number
  readonly stats: SinkStats
  /** Events billed in all; what was billed, and asked of Stripe, while processes were still killed. */
  readonly meterEvents: number
  readonly meterEventsByThen: number
  readonly requestsByThen: number
  /** Requests to Stripe, by the status they were answered with; `none`: never answered. */
  readonly requests: Readonly<Record<string, number>>
  /** Requests that repeated one which Stripe had processed, answered or not. */
  readonly repeats: number
  /** Faults served, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** What processes reported, by its beginning, and how often. */
  readonly reported: Readonly<Record<string, number>>
  readonly tokens: number
  readonly killingMs: number
  readonly drainingMs: number
}
