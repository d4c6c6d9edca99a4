/** A key as it is shown. It has no secret. */
import type { KeyInfo } from '@token-meter/gateway'
import { table } from '../command/output.ts'

const headings = ['id', 'alias', 'charges', 'models', 'limits', 'expires', 'last used', 'state']

export function keyTable(keys: readonly KeyInfo[]): string {
  return table(headings, keys.map(rowOf))
}

function rowOf(key: KeyInfo): readonly (string | undefined)[] {
  const { id, alias, models, expiresAt, lastUsedAt } = key
  return [
    id,
    alias,
    chargedOf(key),
    models?.join(', ') ?? 'all',
    limitsOf(key),
    time(expiresAt),
    time(lastUsedAt),
    stateOf(key),
  ]
}

function chargedOf({ customer, customers, teamId, userId }: KeyInfo): string | undefined {
  if (customer !== undefined) return customer
  const own = teamId ?? userId
  const named = customers === 'any' ? 'whom requests name' : customers?.join(', ')
  return [own, named].filter((each) => each !== undefined && each !== '').join('; or ') || undefined
}

function limitsOf(key: KeyInfo): string | undefined {
  const { requestsPerMinute: rpm, tokensPerMinute: tpm, parallelRequests: parallel, pools } = key
  const limits = [
    rpm !== undefined && `${rpm}/min`,
    tpm !== undefined && `${tpm} tokens/min`,
    parallel !== undefined && `${parallel} at once`,
    pools !== undefined && pools.length > 0 && `pools ${pools.join(', ')}`,
  ]
  return limits.filter(Boolean).join(', ') || undefined
}

function stateOf({ isBlocked, expiresAt }: KeyInfo): string {
  if (isBlocked) return 'blocked'
  return expiresAt !== undefined && expiresAt <= Date.now() ? 'expired' : 'works'
}

/** In the time zone of whoever looks. */
function time(at: number | undefined): string | undefined {
  if (at === undefined) return undefined
  const date = new Date(at)
  const two = (part: number) => `${part}`.padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** For programs: times in UTC. */
export function keyJson(key: KeyInfo): object {
  return Object.fromEntries(
    Object.entries(key).map(([name, value]) => [
      name,
      /(At|Until)$/.test(name) && typeof value === 'number' ? new Date(value).toISOString() : value,
    ]),
  )
}
