/** What keys are called by the admin API: the names that LiteLLM has, and those of what it has not. */
import { ConfigError, checkKeys } from '@token-meter/core/outbox'
import type { KeyInfo, KeyOptions } from '../key.ts'
import type { KeyChanges } from '../gateway-keys.ts'
import { checkedKeyOptions } from '../key-options.ts'
import { shownKey } from '../key-secret.ts'
import { durationMs } from './duration.ts'

export type Fields = Readonly<Record<string, unknown>>

const nameOf: Readonly<Record<keyof KeyOptions, string>> = {
  alias: 'key_alias',
  userId: 'user_id',
  teamId: 'team_id',
  customer: 'customer',
  customers: 'customers',
  models: 'models',
  expiresAt: 'duration',
  pools: 'pools',
  requestsPerMinute: 'rpm_limit',
  tokensPerMinute: 'tpm_limit',
  parallelRequests: 'max_parallel_requests',
  metadata: 'metadata',
  allowUnknown: 'allow_unknown',
  stripeHeaders: 'stripe_headers',
}
const optionNames = Object.entries(nameOf) as (readonly [keyof KeyOptions, string])[]
const keyFields = Object.fromEntries(optionNames.map(([, field]) => [field, true] as const))

/** What LiteLLM has for budgets, which pools of credits are here. */
const budgetFields = [
  'max_budget',
  'soft_budget',
  'budget_duration',
  'budget_id',
  'model_max_budget',
]

/** @throws ConfigError for a field that there is not. */
export function checkFields(fields: Fields, known: readonly string[]): void {
  const budget = Object.keys(fields).find((name) => budgetFields.includes(name))
  if (budget !== undefined) {
    throw new ConfigError(
      `key: there is no ${budget}: a budget is a pool of credits, credits.pool({ id, usd, period }), and the key names it: pools: ["id"]`,
    )
  }
  checkKeys('key', fields, Object.fromEntries(known.map((name) => [name, true] as const)))
}

/** The fields that are there: what is null is left out, as clients write it that have a name for each. */
export function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

/** @throws ConfigError for a field that there is not, and a wrong value. */
export function keyOptions(fields: Fields, now: number): KeyOptions {
  const given = withoutNulls(fields)
  checkFields(given, Object.keys(keyFields))
  return checkedKeyOptions(toOptions(given, now) as KeyOptions, (name) => nameOf[name])
}

/** What an update says: null takes a field away. @throws ConfigError as `keyOptions`. */
export function keyChanges(fields: Fields, now: number): KeyChanges {
  checkFields(withoutNulls(fields), Object.keys(keyFields))
  const options = keyOptions(fields, now)
  const taken = optionNames.filter(([, field]) => fields[field] === null)
  return {
    ...options,
    ...Object.fromEntries(taken.map(([option]) => [option, null])),
    // None of them is all of them, as LiteLLM has it.
    ...(isEmpty(fields['models']) && { models: null }),
  }
}

function toOptions(
  fields: Fields,
  now: number,
): Readonly<Partial<Record<keyof KeyOptions, unknown>>> {
  return Object.fromEntries(
    optionNames.flatMap(([option, field]) => {
      const value = fields[field]
      if (value === undefined || (option === 'models' && isEmpty(value))) return []
      return [[option, option === 'expiresAt' ? now + durationMs(field, value) : value]]
    }),
  )
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** A key, as the admin API shows it. */
export function shownInfo(info: KeyInfo): Fields {
  const { id, expiresAt, lastUsedAt, graceUntil } = info
  const options = optionNames
    .filter(([option]) => option !== 'expiresAt')
    .map(([option, field]) => [field, info[option] ?? null] as const)
  return {
    key_id: id,
    key_name: shownKey(id),
    ...Object.fromEntries(options),
    models: info.models ?? [],
    pools: info.pools ?? [],
    metadata: info.metadata ?? {},
    allow_unknown: info.allowUnknown ?? false,
    stripe_headers: info.stripeHeaders ?? false,
    expires: time(expiresAt),
    blocked: info.isBlocked,
    created_at: time(info.createdAt),
    updated_at: time(info.updatedAt),
    last_used_at: time(lastUsedAt),
    grace_until: time(graceUntil),
  }
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
