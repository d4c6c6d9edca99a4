import { OutboxError } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'
import { explain } from './failure-kinds.ts'

export interface FailureContext {
  /** What was being done, to follow `Cannot`: `use`, `keep usage in`. */
  readonly action: string
  /** The outbox's description, which has no password. */
  readonly description: string
  /** Records that were not kept because of it. */
  readonly records?: readonly UsageRecord[]
}

/** The database cannot be used just now, and the same call can succeed in a moment. */
export class BusyOutboxError extends OutboxError {
  readonly busy = true
}

/** Says what happened, to which outbox, and what to do next. */
export function postgresFailure(cause: unknown, context: FailureContext): OutboxError {
  const { action, description, records = [] } = context
  if (OutboxError.isInstance(cause)) {
    if (records.length === 0) return cause as OutboxError
    return new OutboxError(cause.message, { cause, records })
  }
  const { happened, advice, passes } = explain(cause)
  const said = cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : ''
  const Failure = passes ? BusyOutboxError : OutboxError
  return new Failure(`Cannot ${action} the outbox ${description}: ${happened}${said}. ${advice}`, {
    cause,
    records,
  })
}

/** True for what goes away by itself: the database is away, restarting, or in the way of others. */
export function isPassing(cause: unknown): boolean {
  if (OutboxError.isInstance(cause)) return (cause as { busy?: unknown }).busy === true
  return explain(cause).passes
}

/** True when the database refused the values themselves, whoever else wrote in the same statement. */
export function isAboutTheValues(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^(22|23|54)[0-9A-Z]{3}$/.test(code)
}
