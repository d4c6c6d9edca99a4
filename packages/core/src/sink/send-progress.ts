import type { SinkResult } from './sink-result.ts'

/** Events of records that go out in one request; see `SendProgress`. */
export interface EventsInFlight {
  readonly recordIds: readonly string[]
  /** Which events of these records; any where they are left out. */
  readonly eventIds?: readonly string[]
  /** The sum that is sent in place of these records, whose own the events are. */
  readonly sumId?: string
}

/** What is known of one record while its batch is still being sent. */
export interface RecordProgress {
  readonly recordId: string
  /**
   * `accepted` and `rejected` are its end. A `retry` says only which events arrived; what else becomes
   * of the record is in the answer of `send`.
   */
  readonly result: SinkResult
}

/** A request that is in flight, as far as the outbox knows. */
export interface RequestInFlight {
  /**
   * To be called right before the request is handed to the network, with nothing awaited in between.
   * @throws when the claim has ended meanwhile, because the machine slept or the process stood still:
   *   another worker may have the batch, and nothing of the request may be sent.
   */
  check(): void
  /**
   * The request is over, and what became of each of its events is known: nothing of it is in flight
   * any more. Not to be called while one of them may still arrive, or may have.
   */
  over(known?: readonly RecordProgress[]): void
}

/**
 * What a sink tells of a batch while it sends it, request by request, so that a process that is
 * killed leaves uncertain only what was in flight, and what it got done stays done.
 */
export interface SendProgress {
  /**
   * Says what is about to be sent in one request. Resolves when the outbox has it: not before may the
   * request go out. Those of requests that begin together are written together.
   * @throws when this process does not hold the batch any more, or the outbox cannot be written:
   *   nothing of the request may be sent.
   */
  sending(events: readonly EventsInFlight[]): Promise<RequestInFlight>
  /** Says what is known of records by now. It is written soon, and never waited for. */
  known(known: readonly RecordProgress[]): void
}

/**
 * Whether what a sink has not reported certainly was not sent (`Sink.reportsProgress`). By what its
 * `send` declares too: a wrapper that spreads such a sink and hands on two parameters says so as
 * well, and reports nothing.
 */
export function reportsProgress(sink: {
  readonly reportsProgress?: boolean
  readonly send: { readonly length: number }
}): boolean {
  return sink.reportsProgress === true && sink.send.length >= 3
}
