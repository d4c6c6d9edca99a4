import { ConfigError } from '../errors/errors.ts'
import { checkKeys, optionCheck } from '../errors/option-check.ts'
import { aggregatesOf, mostMembers } from './aggregates.ts'
import { type SinkFunction, functionSink } from './built-in.ts'
import { itself, partsOf, sendSums } from './send-sums.ts'
import type { BatchEntry } from './batch.ts'
import type { Sink } from './sink.ts'
import type { SinkResult } from './sink-result.ts'
import { identityOf } from './with-send.ts'

export interface AggregationOptions {
  /**
   * Only what was used in the same window is summed, in ms. The sum is dated like the latest record
   * in it, so no usage is dated later by more than this. @default 60000
   */
  readonly windowMs?: number
  /**
   * How long a record waits for others to be summed with, in ms, as in `Sink`. `flush()` and
   * `close()` do not wait. @default 10000
   */
  readonly lingerMs?: number
  /** Records that are summed at a time at the most, up to 10000. @default 2000 */
  readonly maxBatch?: number
}

/**
 * A sink that gets sums in place of single records: one record for all those of a claimed batch that
 * have the same customer, provider, model, endpoint, service tier, attributes and window. A sum has
 * the same id on every attempt, in every process, so that it is billed once like a single record; it
 * has the latest `at` of its records, the weakest outcome, and no `raw`.
 *
 *     sinks: [aggregated(stripeSink({ apiKey }), { windowMs: 60_000 })]
 *
 * The outbox keeps single records all the same. What the sink says of a sum holds for each of them:
 * where it refuses one, they become dead letters together, because it refused what they have in
 * common. `requeue` sends any of them again, alone or in other sums; a sum that may have arrived, as
 * the reason then says, has to be looked up before that, because another sum has another id.
 *
 * What waits in a copied or restored outbox and was in no batch yet is a dead letter at once: the
 * original may have delivered it in other sums.
 *
 * In a wrapper whose `send` does not hand on its third parameter, the progress, nothing is summed: of
 * a sum that may have arrived, the outbox would not know that it was one. That is told, once.
 *
 * Attributes of which each record has its own value leave nothing to be summed. The options can be
 * changed at any time, and this can be put in front of a sink that is in use or taken away: what may
 * have arrived by then is sent again as it was sent before.
 * @throws ConfigError when an option is wrong, and for a sink that has to see each record by itself.
 */
export function aggregated(sink: Sink | SinkFunction, options: AggregationOptions = {}): Sink {
  checkKeys<AggregationOptions>('aggregated', options, {
    windowMs: true,
    lingerMs: true,
    maxBatch: true,
  })
  const inner = typeof sink === 'function' ? functionSink(sink.name, sink) : sink
  if (inner.perRecord === true) {
    throw new ConfigError(
      `aggregated: the sink "${inner.name}" has to see each record by itself: put aggregated() around the sink that it was made of`,
    )
  }
  const { windowMs = 60_000, lingerMs = 10_000, maxBatch = 2000 } = options
  check('windowMs', windowMs, 1, Number.MAX_SAFE_INTEGER)
  check('lingerMs', lingerMs, 0, 24 * 60 * 60_000)
  check('maxBatch', maxBatch, 1, mostMembers)
  let isTold = false
  const tellOnce = () => {
    if (!isTold) {
      console.warn(
        `[token-meter] aggregated: nothing is summed for "${inner.name}", as what is around it does not ` +
          'hand on the third parameter of send (the progress): records are sent one by one',
      )
    }
    isTold = true
  }
  return {
    name: inner.name,
    ...identityOf(inner),
    maxBatch,
    maxConcurrentBatches: inner.maxConcurrentBatches ?? 1,
    lingerMs,
    // Also for a sink that does not: then each batch of sums is reported as a whole.
    reportsProgress: true,
    async send(batch, signal, progress) {
      if (progress === undefined) tellOnce()
      const own = { ...batch, entries: batch.entries.filter((entry) => !isSummedElsewhere(entry)) }
      const parts = partsOf(own, (places) =>
        // Whoever does not hand on the progress keeps the outbox from knowing which sum may have arrived:
        // single records have the same ids whatever happens.
        progress === undefined
          ? places.map((place) => itself(own, place))
          : aggregatesOf(own, windowMs, places),
      )
      const answers = (await sendSums(inner, own, parts, { signal, progress })).values()
      return batch.entries.map((entry) => unknownSum(entry) ?? (answers.next().value as SinkResult))
    },
    close: () => inner.close?.(),
  }
}

/**
 * It may have arrived before it was first tried here: from the original of an outbox that is a copy,
 * in a sum whose id nobody here knows.
 */
function isSummedElsewhere({ uncertainSince, firstAttemptAt = Infinity }: BatchEntry): boolean {
  return uncertainSince !== undefined && uncertainSince < firstAttemptAt
}

function unknownSum(entry: BatchEntry): SinkResult | undefined {
  const { uncertainSince: since } = entry
  if (since === undefined || !isSummedElsewhere(entry)) return undefined
  return {
    status: 'rejected',
    code: 'uncertain_sum',
    since,
    reason: `uncertain: the outbox is a copy or was restored, and the original may have delivered this since ${new Date(since).toISOString()}, in a sum that no backend can tell from another. Compare the sums of the time with the backend, then outbox.requeue what it does not have, and outbox.discard what it has.`,
  }
}

const checkOption = optionCheck('aggregated')

function check(name: string, value: unknown, least: number, most: number): void {
  const isRight = (number: unknown) =>
    Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
  checkOption(name, value, `a whole number from ${least} to ${most}`, isRight)
}
