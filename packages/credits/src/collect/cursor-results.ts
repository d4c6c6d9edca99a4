import type { SinkResult } from '@token-meter/core/outbox'
import type { Paid } from './late-charges.ts'

/** How long what cannot be charged waits, in ms: doubled each time. */
const againMs = { first: 1000, max: 60 * 60_000, otherSink: 30_000 }

const reasons = {
  unpriced: 'nobody knows its price',
  tokens: 'a sink bills tokens, and its account is billed by cost',
  failed: 'it could not be charged',
}

/** What the outbox is told of a record that the cursor has seen. */
export function resultOf(paid: Paid | 'failed', attempts: number): SinkResult {
  if (paid === 'covered') return { status: 'accepted', code: 'covered' }
  if (paid === 'billed') return { status: 'accepted' }
  const max = paid === 'tokens' ? againMs.otherSink : againMs.max
  const afterMs = Math.min(max, againMs.first * 2 ** Math.min(attempts, 20))
  const reason = reasons[paid]
  return { status: 'retry', reason, afterMs, recordOnly: true }
}
