import type { UsageRecord } from '../usage/usage-record.ts'

/** What a delivery tells of its work. Listeners must not throw. */
export interface DeliveryReport {
  delivered(sink: string, records: readonly UsageRecord[]): void
  retrying(sink: string, records: readonly UsageRecord[], reason: string, afterMs: number): void
  deadLetter(sink: string, record: UsageRecord, reason: string): void
  /** The outbox failed, or a sink failed as a whole. */
  fault(sink: string, what: string, cause?: unknown): void
}
