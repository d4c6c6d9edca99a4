import type { Batch } from './batch.ts'
import type { SendProgress } from './send-progress.ts'
import type { SinkResult } from './sink-result.ts'

/** What a sink that bills bills by. */
export type SinkValue = 'tokens' | 'cost'

/**
 * A billing backend. Delivery is at least once: the same record can come again, always with the
 * same ids, and a sink that makes something new of a batch must derive its id from `batch.id`.
 */
export interface Sink {
  /** Keys the sink's progress in the outbox, so it must stay the same for ever. */
  readonly name: string
  /** Records in one batch at the most. @default 100 */
  readonly maxBatch?: number
  /**
   * How long a record waits for company, in ms by its `at`, unless `maxBatch` of them wait: for a
   * sink that makes one thing of many records. Retries, `flush()` and `close()` do not wait for it.
   * @default none but the delivery's own `lingerMs`
   */
  readonly lingerMs?: number
  /**
   * From when on the sink takes records, by their `at` in ms since the epoch, when an outbox first
   * sees it: `startingFrom()` sets it. @default everything that the outbox keeps
   */
  readonly startsAtMs?: number
  /**
   * The name that it had before: when an outbox first sees it, it takes that one's place, in place of
   * everything that the outbox keeps: `renamedFrom()` sets it.
   */
  readonly renamedFrom?: string
  /**
   * False for a sandbox, which gets usage of every mode; a live sink gets no test usage. The mode of
   * the sinks is the mode of the usage that their meter records. @default true
   */
  readonly livemode?: boolean
  /**
   * False for a sink that bills nobody, such as a log or metrics: it gets usage of every mode, and says
   * nothing about the mode. @default true
   */
  readonly bills?: boolean
  /**
   * What a sink that bills bills by, where it is one alone: counts of tokens, or what usage costs. Credit
   * that a backend draws as well (`collect: 'mirror'` of `@token-meter/credits`) is money, so nothing of
   * such an account goes out while a sink is used that bills `tokens`. @default not known
   */
  readonly value?: SinkValue
  /**
   * True where it has to see each record by itself, because it knows something of single ones: sums are made
   * by the sink inside it, `aggregated()` around it throws. @default false
   */
  readonly perRecord?: boolean
  /** Batches under way at a time. @default 1 */
  readonly maxConcurrentBatches?: number
  /**
   * Whether `send` reports what it sends, request by request, by its `progress`: each request that
   * could have an effect, before it goes out. Then what it has not reported certainly was not sent.
   * Where it does not report, all of a batch whose process was killed is uncertain. It counts only
   * for a `send` that declares all three parameters: a sink that is spread into another one, whose
   * `send` hands on two, would say it of requests that nobody reports.
   * @default false
   */
  readonly reportsProgress?: boolean
  /**
   * Sends a batch and returns one result per entry, in order. To throw means an uncertain
   * `retry` for all, or for what was reported to be in flight.
   * @param signal aborted when the delivery stops waiting; what is under way then is an uncertain
   *   `retry`, what was not sent a certain one.
   * @param progress where the batch is of an outbox that keeps it: absent, there is nobody to tell.
   */
  send(batch: Batch, signal: AbortSignal, progress?: SendProgress): Promise<readonly SinkResult[]>
  /** Releases connections. Called once, after the last `send`. */
  close?(): void | Promise<void>
}
