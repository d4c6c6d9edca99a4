import { allInput, allOutput, mapCounts } from '../../usage/token-counts.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'

/** A record whose cached reads and writes are added to its input, for prices that know two kinds of tokens. */
export function withCacheInInput(record: UsageRecord): UsageRecord {
  const input = allInput(record.tokens)
  const output = allOutput(record.tokens)
  return { ...record, tokens: { ...mapCounts(() => 0), input, output } }
}
