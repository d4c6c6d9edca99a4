import type { TokenMeterError } from './errors/token-meter-error.ts'

const quietMs = 60_000

/** The default `onError`: one warning per kind of fault and minute, with how many were left out. */
export function warnOnConsole(
  warn: (line: string) => void = console.warn,
): (error: TokenMeterError) => void {
  const kinds = new Map<string, { at: number; leftOut: number }>()
  return (error) => {
    const kind = kinds.get(error.code)
    const now = Date.now()
    if (kind !== undefined && now - kind.at < quietMs) {
      kind.leftOut++
      return
    }
    const more = kind?.leftOut ? ` (and ${kind.leftOut} more like it)` : ''
    kinds.set(error.code, { at: now, leftOut: 0 })
    warn(`[token-meter] ${error.code}: ${error.message}${more}`)
  }
}
