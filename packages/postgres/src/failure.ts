import { OutboxError } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'

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

export interface FailureKind {
  readonly happened: string
  readonly advice: string
  /** It goes away by itself, and the same call can succeed then. */
  readonly passes: boolean
}

/** What a failure of `pg` or of the network means. */
export function explain(cause: unknown): FailureKind {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string') {
    const known = byCode.get(code) ?? byClass.get(code.slice(0, 2))
    if (known !== undefined) return known
    return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_)/.test(code)
      ? encryption
      : unknown
  }
  const said = String(message)
  if (/\bSSL\b/.test(said)) return encryption
  if (said.startsWith('SASL')) return authentication
  // What `pg` says of a connection that was lost or not made in time has no code.
  return /terminated|timeout|not queryable|ended unexpectedly/i.test(said) ? unreachable : unknown
}

const unknown: FailureKind = {
  happened: 'it failed',
  advice: 'See the cause of this error.',
  passes: false,
}
const unreachable: FailureKind = {
  happened: 'the database cannot be reached',
  advice: 'Check that it runs and that this machine may connect to it.',
  passes: true,
}
const authentication: FailureKind = {
  happened: 'the database did not let the user in',
  advice: 'Check the user and the password, and pg_hba.conf on the server.',
  passes: false,
}
const encryption: FailureKind = {
  happened: 'no encrypted connection could be made',
  advice: 'Check sslmode in the connection string, and the certificates.',
  passes: false,
}
const noDatabase: FailureKind = {
  happened: 'there is no such database',
  advice: 'Create it, or name another one in the connection string.',
  passes: false,
}
const permission: FailureKind = {
  happened: 'the role may not do this',
  advice:
    'Grant it what the README of @token-meter/postgres lists; where it may not create tables, run ' +
    'migrate(pool) once with a role that may, and set migrate: false.',
  passes: false,
}
const noTables: FailureKind = {
  happened: 'its tables are not there',
  advice: 'Run migrate(pool), or leave the option migrate on and start this process again.',
  passes: false,
}
const starting: FailureKind = {
  happened: 'the database is starting or shutting down',
  advice: 'Wait until it runs again.',
  passes: true,
}
const tooManyConnections: FailureKind = {
  happened: 'the database has no connection left',
  advice: 'Raise max_connections there, lower maxConnections here, or put a pooler between.',
  passes: true,
}
const diskFull: FailureKind = {
  happened: "the database's disk is full",
  advice: 'Free some space there.',
  passes: true,
}
const exhausted: FailureKind = {
  happened: 'the database has run out of a resource',
  advice: 'See its log.',
  passes: true,
}
const readOnly: FailureKind = {
  happened: 'the database is read only',
  advice: 'Connect to the primary: this may be a replica, or a failover is under way.',
  passes: true,
}
const contended: FailureKind = {
  happened: 'another transaction was in the way',
  advice: 'Look for one that stays open if this goes on.',
  passes: true,
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and codes of Node. */
const byCode: ReadonlyMap<string, FailureKind> = new Map([
  ['3D000', noDatabase],
  ['42501', permission],
  ['42P01', noTables],
  ['42703', noTables],
  ['3F000', noTables],
  ['25006', readOnly],
  ['53100', diskFull],
  ['53300', tooManyConnections],
  ['55P03', contended],
  ['57014', contended],
  ['57P01', starting],
  ['57P02', starting],
  ['57P03', starting],
  ['57P05', unreachable],
  ['25P03', contended],
  ['25P04', contended],
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EHOSTDOWN',
    'EAI_AGAIN',
    'ENOTFOUND',
    'ENOENT',
    'EADDRNOTAVAIL',
    'ENETDOWN',
    'EMFILE',
    'ENFILE',
    'ERR_STREAM_DESTROYED',
    'ERR_STREAM_WRITE_AFTER_END',
    'ERR_SOCKET_CLOSED',
  ].map((code) => [code, unreachable] as const),
])

/** By the first two characters of an SQLSTATE. */
const byClass: ReadonlyMap<string, FailureKind> = new Map([
  ['08', unreachable],
  ['28', authentication],
  ['40', contended],
  ['53', exhausted],
])
