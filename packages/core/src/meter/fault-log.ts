import type { TokenMeterError } from '../errors/errors.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

const quietMs = 60_000
const mostKinds = 100

/**
 * The default `onError`: one warning per kind of fault and minute, with how many were left out.
 * Only usage that is in no bill and may be nowhere else is printed whole and each time, so that the
 * log has it: what could not be kept, and dead letters.
 */
export function warnOnConsole(
  warn: (line: string) => void = console.warn,
): (error: TokenMeterError) => void {
  const kinds = new Map<string, { at: number; leftOut: number }>()
  return (error) => {
    const line = `[token-meter] ${error.code}: ${error.message}`
    const { records = [] } = error as { readonly records?: readonly UsageRecord[] }
    if (records.length > 0) {
      warn(`${line} records: [${records.map(toJson).join(',')}]`)
      return
    }
    const name = kindOf(error)
    const kind = kinds.get(name)
    const now = performance.now()
    if (kind !== undefined && now - kind.at < quietMs) {
      kind.leftOut++
      return
    }
    kinds.set(name, { at: now, leftOut: 0 })
    const [oldest] = kinds.keys()
    if (kinds.size > mostKinds && oldest !== undefined) kinds.delete(oldest)
    warn(kind?.leftOut ? `${line} (and ${kind.leftOut} more like it)` : line)
  }
}

const toldByMessage: ReadonlySet<string> = new Set(['observer', 'cost', 'held'])

/** Observer faults, missing prices and what is held are told once each, and do not vary with the call. */
function kindOf(error: TokenMeterError): string {
  const { sink, failing } = error as { readonly sink?: string; readonly failing?: object }
  // It is told by the hour, and must not go under in what else fails then.
  if (failing !== undefined) return `failing ${sink}`
  return toldByMessage.has(error.code) ? error.message : error.code
}

function toJson(record: UsageRecord): string {
  try {
    return JSON.stringify(record, bigintAsString)
  } catch {
    return JSON.stringify({ ...record, raw: null }, bigintAsString)
  }
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
