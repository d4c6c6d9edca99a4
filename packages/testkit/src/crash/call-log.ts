import { fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A call that had resolved before its process was killed. */
export interface ResolvedCall {
  readonly key: string
  /** The id of its record, when its usage had been acknowledged by then. */
  readonly recordId: string | undefined
  /** How long it took in all. */
  readonly tookMs: number
}

/** Opens a producer's own log: each line is on the disk once its write has returned. */
export function openCallLog(folder: string, producer: string): (call: ResolvedCall) => void {
  const file = openSync(join(folder, `${producer}.log`), 'a')
  return (call) => {
    writeSync(file, `${JSON.stringify(call)}\n`)
    fsyncSync(file)
  }
}

/** The lines of all producers. */
export function readCallLogs(folder: string): readonly ResolvedCall[] {
  return readdirSync(folder).flatMap((name) => {
    // What stands behind the last line break was cut off while it was written.
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as ResolvedCall)
  })
}
