import type { StripeApi } from '@token-meter/stripe'
import type { AmbushPlan } from './ambush.ts'
import type { OutboxPlace } from './crash-outbox.ts'

/** What a process does: `drain` delivers all there is and ends. */
export type WorkerRole = 'produce' | 'deliver' | 'both' | 'drain'

/** What a process is told at its start. */
export interface WorkerOrder {
  readonly role: WorkerRole
  /** What it runs. */
  readonly script: string
  /** No two processes of a run have the same; it decides the calls of a producer. */
  readonly name: string
  readonly outbox: OutboxPlace
  /** Where producers log the calls that have resolved. */
  readonly callLogs: string
  /** Where each process says what it is in the middle of, in a file of its name. */
  readonly momentLogs: string
  readonly api: StripeApi
  /** Sums are sent in place of single records. */
  readonly aggregate: boolean
  readonly stripeUrl: string
  readonly stripeKey: string
  readonly providerUrl: string
  readonly ambush?: AmbushPlan
}

/** What a process tells the supervisor: that it is at work (a producer has made a call), or a fault. */
export type WorkerMessage = { readonly ready: true } | { readonly fault: string }
