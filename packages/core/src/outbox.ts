/**
 * For authors of outboxes: the contract, and the rules that every outbox holds, by value and as SQL.
 * `@token-meter/testkit` has the tests.
 * @module
 */
export type {
  AppendedRecords,
  AppendOptions,
  AttachedCompanion,
  Companion,
  AskSql,
  CompanionStore,
  SqlCompanion,
  SqlCompanionStore,
} from './outbox/companion.ts'
export { companionFailure, inAppends } from './outbox/companion.ts'
export type {
  Appended,
  ClaimOptions,
  Correction,
  DeadLetter,
  LedgerEntry,
  LedgerPage,
  LedgerQuery,
  Outbox,
  RecordState,
  SettledState,
  SinkStats,
} from './outbox/outbox.ts'
export {
  type KnownSink,
  type KnownSinks,
  seenForMs,
  type SinkMode,
  type SinkStart,
} from './outbox/known-sinks.ts'
export type { SinkValue } from './sink/sink.ts'
export type { Batch, BatchEntry, BatchMarks } from './sink/batch.ts'
export type { EventsInFlight, RecordProgress } from './sink/send-progress.ts'
export type { SinkResult } from './sink/sink-result.ts'
export type { UsageRecord } from './usage/usage-record.ts'
export type { Awaitable } from './lib/promises.ts'

export {
  type AttemptedRecord,
  batchReady,
  correctedEvents,
  coveredCode,
  distrusted,
  distrustedSince,
  type EndingClaim,
  type HoldReasons,
  isHeld,
  type KnownEvents,
  type Linger,
  mayHaveArrived,
  moreUncertain,
  type Outcome,
  outcomeOf,
  stateOf,
  Turns,
  type Uncertainty,
  uncertaintyFields,
  type WaitingRecords,
  waitMs,
} from './outbox/rules.ts'
export {
  batchReadySql,
  countSkippedSql,
  distrustSql,
  heldAfresh,
  isCoveredSql,
  isHeldSql,
  passHeldSql,
  requeuedAfresh,
  sentOn,
  stateSql,
  type TableName,
  takePlaceSql,
} from './outbox/rules-sql.ts'
export { reviewCode, reviewed } from './outbox/reviewed.ts'
export { openLeaseMs, OpenUsage, type OpenRow, type OpenUsageStore } from './outbox/open-usage.ts'
export { mintRecordId } from './usage/record-id.ts'
export { fromBody, toBody } from './outbox/record-body.ts'
export { duplicateIds, isSameUsage, type TakenId } from './outbox/taken-id.ts'
export { copyFound, type OutboxFault, Faults } from './outbox/faults.ts'
export { isProcessGone, type ProcessName, thisProcess } from './outbox/process-life.ts'

export { ConfigError, messageOf, OutboxError, TokenMeterError } from './errors/errors.ts'
export { type Refusal, refusalOf } from './errors/refusal.ts'
export {
  checkKeys,
  hasMethod,
  isAboveZero,
  isCount,
  isDuration,
  isFunction,
  isOneOf,
  isText,
  optionCheck,
  type OptionCheck,
} from './errors/option-check.ts'
export { isRequestBound } from './environment/runtime.ts'
export { settledWithin } from './lib/timing.ts'
