import type { Awaitable } from '../lib/promises.ts'
import type { SinkValue } from '../sink/sink.ts'

/**
 * `live` and `test` bill, or would; `observer` bills nobody. `books` is no sink of a meter's: by that
 * name the books beside the records know which of them they have seen, and until they have, nothing
 * goes to a sink that bills.
 */
export type SinkMode = 'live' | 'test' | 'observer' | 'books'

/** A sink that the outbox keeps progress of, or had under this name. */
export interface KnownSink {
  readonly name: string
  /** As it was when it was last used; absent where nobody said. */
  readonly mode?: SinkMode
  /** What it bills by, as it said when it was last used; absent where it did not say. */
  readonly value?: SinkValue
  /**
   * Whether a process uses it now. Absent where one did a moment ago, at `seenAt`, and it cannot be
   * said whether it still does: one that does is seen again within some seconds.
   */
  readonly inUse?: boolean
  /** ms since the epoch, by the clock of the outbox. */
  readonly seenAt?: number
  /** The sinks beside which it was new, while what came before it is held for it. */
  readonly heldFor?: readonly string[]
  /** The name that it has now: nothing is given out under the old one. */
  readonly renamedTo?: string
}

/** How long after it was last seen a sink may still be in use, in ms. */
export const seenForMs = 20_000

/** Where a sink begins that was not known. */
export interface SinkStart {
  /**
   * Its first record is the first that has `at` >= this (in order of coming), in ms since the epoch,
   * or the next one to come; earlier ones are not counted for it.
   */
  readonly sinceMs?: number
  /** The sinks that it may be a new name of: what is kept by now is held. */
  readonly heldFor?: readonly string[]
  /** With `heldFor`: only what came before the record with this id is held. */
  readonly beforeId?: string | undefined
}

/** Which sinks there are, and who uses them. */
export interface KnownSinks {
  sinks(): Awaitable<readonly KnownSink[]>
  /**
   * Says that this process uses a sink, which is made known where it is not, with everything kept. To
   * be said again every few seconds. Returns false where the sink has to come again (`sinks`,
   * `registerSink`), because only now it can be said what there was before it.
   */
  attend(sink: string, mode: SinkMode, value?: SinkValue): Awaitable<boolean | void>
  /** Says that this process does not use it any more. */
  leave(sink: string): Awaitable<void>
  /**
   * Makes a sink known, and says where it begins: with everything kept, where nothing is said. Returns
   * false, and changes nothing, for a sink that is known, unless something of before is held for it:
   * this then says what of it is meant. A sink that claims without it begins with everything kept.
   */
  registerSink(sink: string, start: SinkStart): Awaitable<boolean>
  /**
   * Removes a sink that is not used any more, so that what waits for it can be pruned. Should it
   * come back, it is a new one. What was held because another sink might be it under a new name is
   * released: the other one is really new. Returns false for an unknown one.
   */
  removeSink(sink: string): Awaitable<boolean>
  /**
   * Puts the sink `to` in the place of `from`, with all its progress. Where `to` is known already,
   * and what came before it is held, that part of it takes the place. From then on nothing is given
   * out under the old name, so that an older version of an application sends nothing twice;
   * `removeSink` frees it. Returns false, and changes nothing, where `from` is unknown, or `to` is known and
   * nothing of before is held for it.
   */
  rename(from: string, to: string): Awaitable<boolean>
}
