/**
 * What became of one request, and with it of each of its events.
 *
 * - `refused`: by what is in it; of several events one may be to blame.
 * - `retry`: its cause is `event` (what is in this request), `failure` (Metronome's, or of the way
 *   there, which may be of this request alone or of all) or `account` (surely of all). `uncertain`
 *   says that the events may have arrived.
 */
export type Outcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'refused'; readonly reason: string }
  | Retry

export interface Retry {
  readonly status: 'retry'
  readonly reason: string
  readonly cause: 'event' | 'failure' | 'account'
  readonly afterMs?: number | undefined
  readonly uncertain?: true
  /** Metronome answered that it failed: sent in parts, it may turn out which event it fails with. */
  readonly mayDivide?: true
}
