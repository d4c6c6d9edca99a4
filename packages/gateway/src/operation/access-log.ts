/** One line of JSON for each request, for whatever collects lines. */
import type { AccessEntry } from '../access-entry.ts'

/** What a line is written to: `process.stdout`, a file. */
export interface LineStream {
  write(line: string): unknown
  /** Bytes that wait to be taken. */
  readonly writableLength: number
}

/** A reader that takes nothing must not fill the memory: beyond so many bytes, lines are left out. */
const maxWaitingBytes = 8 * 1024 * 1024
/** Of what callers write. */
const maxText = 500

/**
 * Writes each entry as it comes: no text of a conversation, no key, no query.
 * @returns a function for `createGateway({ accessLog })`.
 */
export function accessLog(stream: LineStream): (entry: AccessEntry) => void {
  let leftOut = 0
  return (entry) => {
    if (isProbe(entry)) return
    if (stream.writableLength > maxWaitingBytes) {
      leftOut++
      return
    }
    const { at, path, customer, model, ...rest } = entry
    const line = {
      time: new Date(at).toISOString(),
      ...rest,
      path: cut(path),
      customer: cut(customer),
      model: cut(model),
      ...(leftOut > 0 && { leftOut }),
    }
    leftOut = 0
    stream.write(`${JSON.stringify(line, rounded)}\n`)
  }
}

/** Whoever looks whether it is well does so all the time. */
function isProbe({ outcome, status, path }: AccessEntry): boolean {
  return outcome === 'own' && status === 200 && /\/(health\/\w+|metrics)$/.test(path)
}

function cut<Text extends string | null>(text: Text): Text | string {
  return text === null || text.length <= maxText ? text : `${text.slice(0, maxText)}…`
}

/** To microseconds. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}
