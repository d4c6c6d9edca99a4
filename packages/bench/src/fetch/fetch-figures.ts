import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { FetchRow } from './fetch-rows.ts'

/** @throws Error when the process that measures ended without figures. */
export function fetchFigures({ quick }: { readonly quick: boolean }): Promise<readonly FetchRow[]> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'fetch-process.ts'), quick ? ['quick'] : [], {
      execArgv: [
        '--expose-gc',
        // Parallel collectors spin while they wait for a CPU.
        '--single-threaded-gc',
        '--disable-warning=ExperimentalWarning',
      ],
    })
    child.once('message', (rows) => resolve(rows as readonly FetchRow[]))
    child.once('exit', (code) => reject(new Error(`measuring fetch ended with ${code}`)))
  })
}
