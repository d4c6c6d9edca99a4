/**
 * The contract of what decides, before a call is sent, whether it may be: that of credits, or one of an
 * application. A meter that has a guard asks it for every call that costs something; one without never
 * comes here. The states of what it gave are in `call-hold.ts`.
 */
import type { Attributes } from '../usage/usage-record.ts'
import type { CallBounds } from '../wire/call-bounds.ts'
import type { Call } from '../wire/endpoint.ts'

/** Decides whether calls may be sent. */
export interface Guard {
  /**
   * The outbox that what it holds is kept beside. `createMeter` throws a `ConfigError` where it is another
   * object than the meter's own: a hold is settled by the record that is appended with it, in one
   * transaction. @default none: it goes with any meter
   */
  readonly outbox?: object | undefined
  /**
   * A call is about to be sent, and waits for the answer; what is returned at once costs it no turn of the
   * event loop. A rejection, or what is thrown, is the refusal: the caller gets it, unchanged, as the
   * error of the call, and nothing is sent.
   *
   * @returns what is held for the call; `undefined` where it may be sent and nothing is held.
   */
  admit(call: GuardedCall): Admission | undefined | Promise<Admission | undefined>
  /**
   * Work that goes on after its request was answered, and that another process may have started, has
   * ended and used nothing: what was kept under that name is given back.
   */
  ended?(job: { readonly name: string }): void
}

/** A call as a guard sees it. */
export interface GuardedCall {
  /** Provider, endpoint, method, and the fields of the body. */
  readonly call: Call
  /** Who pays; `null` where nobody was named. */
  readonly customer: string | null
  readonly attributes: Attributes
  /** The model that the request names; `null` where it names none. */
  readonly model: string | null
  /** What else it counts against: option `pools` of the client, or of the `fetch`. */
  readonly pools: readonly string[]
  /** The provider bills it to the customer's own account, and the meter does not. */
  readonly isLinked: boolean
  /** The most that it can use. Read from the request when it is asked for; never throws. */
  bounds(): CallBounds
  /** About how many tokens its input has, by the heuristic: no tokenizer runs. Never throws. */
  likelyInput(): number
}

/**
 * What is held for one call. One of `settled`, `release`, `lost` and `keep` ends it, once. None of them may
 * throw; what they do takes its time by itself.
 */
export interface Admission {
  /** The names of what is held: the records of the call are appended with them, which settles it. */
  readonly holdIds: readonly string[]
  /** The records of the call were handed to the outbox, with `holdIds`: nothing is renewed any more. */
  settled(): void
  /** Nothing was sent, or the provider answered an error, or what bills nothing: it is given back. */
  release(): void
  /**
   * Nobody knows what became of the call: the connection broke after it may have been sent. The hold
   * stays until its lease is over.
   */
  lost(): void
  /**
   * The call has started work that goes on. The hold stays for so long, and any process can find it by
   * this name: the record of its end is appended with `holdIds`, or, by a process that has not the hold
   * itself, with the id `job:<name>`; where there is none, the guard is told by `ended`.
   */
  keep(job: { readonly name: string; readonly forMs: number }): void
  /**
   * About so many output tokens of a stream were seen by now. A rejection, or what is thrown, ends the
   * stream: its reader gets that as the error of the stream, and what was used is recorded as cut off.
   * Left out where streams are to be let finish, for which nothing is counted then.
   */
  progress?(outputTokens: number): undefined | Promise<void>
}

/** The id by which records settle a hold that was kept for work that goes on. */
export function jobHoldId(name: string): string {
  return `job:${name}`
}
