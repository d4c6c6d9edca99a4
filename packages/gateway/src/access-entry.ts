/** What is said of each request once it is over: a line of the access log, and what metrics are made of. */
import type { RefusalCode } from './refusal.ts'

/**
 * How a request ended.
 * - `answered`: with an answer of the upstream's, whatever its status, to its last byte.
 * - `refused`: by the gateway itself, as `refusal` says.
 * - `own`: a path of the gateway's own: health, metrics, usage, keys.
 * - `client_gone`: whoever asked was gone before the last byte.
 * - `upstream_failed`: the upstream broke off in mid-answer, and the connection was broken off too.
 * - `shut_down`: still under way when the gateway's time to drain was over.
 */
export type RequestOutcome =
  | 'answered'
  | 'refused'
  | 'own'
  | 'client_gone'
  | 'upstream_failed'
  | 'shut_down'

/** No text of a conversation, no key, no query: nothing that a log may not have. */
export interface AccessEntry {
  /** As `x-token-meter-request-id` of the answer has it. */
  readonly id: string
  /** When it came, in ms since the epoch. */
  readonly at: number
  readonly method: string
  /** As the caller wrote it, without its query. */
  readonly path: string
  /** The name of the upstream that was asked; `null`: none was. */
  readonly upstream: string | null
  /** Of the answer; `null` where the connection ended before there was one. 101: a socket was opened. */
  readonly status: number | null
  readonly outcome: RequestOutcome
  /** Why the gateway refused it. */
  readonly refusal?: RefusalCode
  /** The public part of the key; `null`: none was taken. */
  readonly keyId: string | null
  /** Who pays; `null`: nobody was named. */
  readonly customer: string | null
  /** As the request names it; `null`: it names none, or it was not read. */
  readonly model: string | null
  /** From its head to its end, in ms. */
  readonly ms: number
  /** From its head until it went out to the upstream, in ms: reading the body, keys, who pays, the guard. */
  readonly beforeMs?: number
  /** From then until the head of the upstream's answer, in ms. */
  readonly firstByteMs?: number
  /** From then until the upstream's last byte, in ms. */
  readonly upstreamMs?: number
  /** Of bodies. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** All that were recorded for it; left out where none were. */
  readonly tokens?: number
  /** It was passed on and may cost something, and nobody could read what. */
  readonly unmetered?: true
}
