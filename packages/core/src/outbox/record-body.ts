import type { UsageRecord } from '../usage/usage-record.ts'

/** A provider's usage object has a few hundred characters; what is beyond this is something else. */
const maxBodyCharacters = 1_000_000

/**
 * A record as JSON. Never throws over what a provider or a caller put into it: a bigint becomes a
 * string, and a `raw` that is too large or cannot be JSON becomes null.
 */
export function toBody(record: UsageRecord): string {
  return (
    serialised(record) ??
    serialised(record, bigintAsString) ??
    JSON.stringify({ ...record, raw: null }, bigintAsString)
  )
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function serialised(
  record: UsageRecord,
  replacer?: (key: string, value: unknown) => unknown,
): string | undefined {
  try {
    const body = JSON.stringify(record, replacer)
    return body.length <= maxBodyCharacters ? body : undefined
  } catch {
    return undefined
  }
}

/** @param customer who was named later, for a record that was kept without a customer. */
export function fromBody(body: string, customer: string | null): UsageRecord {
  const record = JSON.parse(body) as UsageRecord
  return record.customer === null && customer !== null ? { ...record, customer } : record
}
