import { openSync, readFileSync, writeSync } from 'node:fs'

/** Opens the log of the calls that have resolved: each line is there once its write has returned. */
export function openSideLog(path: string): (key: string) => void {
  const file = openSync(path, 'a')
  return (key) => void writeSync(file, `${key}\n`)
}

/** The keys of all calls that had resolved before their process was killed. */
export function readSideLog(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean)
}
