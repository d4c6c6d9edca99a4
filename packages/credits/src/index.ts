/**
 * Prepaid credit for LLM usage, in the outbox's own store: hold before a call, settle with its record.
 * @module
 */
export type { Actor, Amount, Unit } from './amount.ts'
export type { Collect } from './books/rows.ts'
export type {
  ChargedSums,
  CreditsReport,
  DifferenceKind,
  MirrorState,
  ReconcileQuery,
  RecordDifference,
} from './collect/report.ts'
export type { Account, AccountOptions, CollectVerbs, Erased, MirrorGrant } from './collect/verbs.ts'
export type { Grant } from './grant.ts'
export { createCredits } from './create-credits.ts'
export type {
  AdjustOptions,
  Balance,
  Credits,
  CreditsOptions,
  GrantOptions,
  HistoryEntry,
  HistoryQuery,
  Hold,
  HoldOptions,
  RevokeOptions,
  UnrevokeOptions,
} from './credits.ts'
export type { Plan } from './plans/plan.ts'
export type { PlanPeriod } from './plans/anchored-period.ts'
export type {
  PlanOfCustomer,
  PlanVerbs,
  SubscribeOptions,
  UnsubscribeOptions,
} from './plans/verbs.ts'
export type { AccountEvent, CreditEvents, PoolEvent } from './events.ts'
export type { GuardOptions } from './guard/options.ts'
export type { PoolBalance, PoolOptions } from './pools.ts'
export {
  CallRefusedError,
  CreditsConflictError,
  CreditsUnavailableError,
  InsufficientCreditsError,
  type RefusalReason,
  type Shortage,
} from './errors.ts'
