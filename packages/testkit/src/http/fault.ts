/**
 * What goes wrong with one request to a fake backend. Nothing set: nothing goes wrong.
 * For instance `{ status: 429, headers: { 'retry-after': '3' } }`, `{ status: 200, body: 'oops' }`
 * (not JSON), `{ status: 200, body: '' }`, or, for a lost answer,
 * `{ connection: 'reset', processed: true }`.
 */
export interface Fault {
  /** Answers with this status in place of the backend's own answer. */
  readonly status?: number
  /** Text as it is, an object as JSON. @default the backend's usual error body for the status */
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
  /** Cuts the connection, or never answers. */
  readonly connection?: 'reset' | 'hang'
  /** The request takes effect all the same: the event is billed. @default false */
  readonly processed?: boolean
  /** A key for repeats is not looked at, nor kept: a repeat is told by what is in it. @default false */
  readonly forgetsKey?: boolean
  /** Time that the answer takes longer. @default 0 */
  readonly delayMs?: number
}

/** Which requests a fault is for. */
export interface FaultOptions {
  /** How many requests have the fault; `Infinity` until `recover()`. @default 1 */
  readonly times?: number
  /** How many requests come through before. @default 0 */
  readonly skip?: number
  /** Only requests whose body has this text, such as a customer's id. @default any */
  readonly matching?: string
  /** Only requests whose path ends so: `/meter_event_session`. @default any */
  readonly to?: string
}

/** True when the fault replaces the answer that processing gives. */
export function replacesAnswer(fault: Fault): boolean {
  return fault.status !== undefined || fault.connection !== undefined
}
