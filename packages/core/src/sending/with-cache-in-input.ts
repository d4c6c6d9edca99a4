import type { UsageRecord } from '../usage/usage-record.ts'

/** A record whose cached reads and writes are added to its input, for prices that know two kinds of tokens. */
export function withCacheInInput(record: UsageRecord): UsageRecord {
  const { input, cachedInput, cachedWrite, output } = record.tokens
  const folded = {
    input: input + cachedInput + cachedWrite,
    cachedInput: 0,
    cachedWrite: 0,
    output,
  }
  return { ...record, tokens: folded }
}
