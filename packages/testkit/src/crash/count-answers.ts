import type { LedgerEntry } from '@token-meter/core'
import type { ReplayedRequest } from '../replay/replay-reply.ts'
import { keyOf } from './planned-call.ts'

/** How many model answers were sent whole, and how many of them nobody was left to record. */
export function countAnswers(
  requests: readonly ReplayedRequest[],
  ledger: readonly LedgerEntry[],
): { readonly answers: number; readonly answersUnrecorded: number } {
  const recorded = new Set(ledger.map(({ record }) => keyOf(record)))
  const answered = requests.filter(({ closedEarly }) => !closedEarly)
  const unrecorded = answered.filter(({ body }) => !recorded.has((body as { user: string }).user))
  return { answers: answered.length, answersUnrecorded: unrecorded.length }
}
