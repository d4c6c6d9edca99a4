/**
 * What it means that an id is taken. An id is minted once, so a record that comes again under it is
 * either the same usage seen again, which is left out without a word, or something else, which is
 * told: it would be lost in silence otherwise. The first stands, whatever comes after it.
 *
 * - An id derived from a response (a background response that is polled, a batch result that is read
 *   twice): the same model and counts are the same answer, whoever asked for it and whenever.
 * - An id that the application named in `record()`: the same in all that is billed or shown.
 */
import { DuplicateIdError } from '../errors/errors.ts'
import { tokenTypes } from '../usage/token-counts.ts'
import { quantities } from '../usage/usage-details.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** A record that was left out because its id is taken, and the one that has it. */
export interface TakenId {
  readonly record: UsageRecord
  readonly kept: UsageRecord
}

/** True where both say the same of one response. */
export function isSameAnswer({ record, kept }: TakenId): boolean {
  return (
    record.model === kept.model &&
    tokenTypes.every(({ count }) => record.tokens[count] === kept.tokens[count]) &&
    quantities.every((name) => (record.details[name] ?? 0) === (kept.details[name] ?? 0))
  )
}

/**
 * True where an application said the same twice.
 * @param atMatters whether it named the time itself, which is otherwise that of each call.
 */
export function isSameUsage(taken: TakenId, atMatters: boolean): boolean {
  const [record, kept] = [taken.record, taken.kept].map((one) => {
    const { customer, provider, model, endpoint, tokens, details, serviceTier, attributes } = one
    const { requests, unbilled } = one
    const usage = { tokens, details, requests, unbilled }
    const said = { customer, provider, model, endpoint, ...usage, serviceTier, attributes }
    return JSON.stringify([said, atMatters && one.at], sorted)
  })
  return record === kept
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The error that tells of those which are not the same; nothing where all are. */
export function duplicateIds(
  taken: readonly TakenId[],
  isSame: (taken: TakenId) => boolean = isSameAnswer,
): DuplicateIdError | undefined {
  const others = taken.filter((one) => !isSame(one))
  if (others.length === 0) return undefined
  const ids = others.map(({ record }) => record.id)
  const shown = ids.length > 3 ? `${ids.slice(0, 3).join(', ')}, ...` : ids.join(', ')
  return new DuplicateIdError(
    `${others.length} usage record(s) came under ids that the outbox has for other usage (${shown}). ` +
      'What was there first stands; what is in this error\'s "records" was not kept, and is billed ' +
      'only when it is recorded under an id of its own',
    { records: others.map(({ record }) => record), kept: others.map(({ kept }) => kept) },
  )
}
