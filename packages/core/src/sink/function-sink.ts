import { ConfigError } from '../errors/errors.ts'
import type { Batch } from './batch.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { Sink, SinkResult } from './sink.ts'

/**
 * Any async function is a sink: it gets the records of a batch. To return means that all arrived.
 *
 * It counts as one that bills nobody, and so gets usage of every mode: `record.livemode` is false for
 * test usage. One that does bill leaves that out, or is written as a `Sink` with a `livemode`.
 *
 * **To throw retries the whole batch**, also the records that did arrive, for as long as it throws:
 * one poison record then holds up every record of its batch. Where single records can fail, do not
 * throw but answer one result per record, in order: `accepted`, `retry`, or `rejected` with a
 * reason, which makes a dead letter of that record alone.
 */
export type SinkFunction = (
  records: readonly UsageRecord[],
  context: { readonly batch: Batch; readonly signal: AbortSignal },
) => Promise<void | readonly SinkResult[]>

/**
 * A sink from a function.
 * @param name keys the sink's progress in the outbox: keep it the same for ever.
 * @throws ConfigError without a name.
 */
export function functionSink(name: string, send: SinkFunction): Sink {
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(
      'a function sink needs a name, which keys its progress in the outbox: use functionSink("warehouse", send) or a named function',
    )
  }
  return {
    name,
    bills: false,
    async send(batch, signal) {
      const records = batch.entries.map(({ record }) => record)
      const results = await send(records, { batch, signal })
      return results ?? records.map(() => ({ status: 'accepted' }))
    },
  }
}
