import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Tally } from './tally.ts'

export interface Receiver extends Disposable {
  readonly url: string
  /** What it got since the last time this was asked. */
  tally(): Promise<Tally>
}

/** Starts the receiver, in a process of its own so that its cost is not in ours. */
export async function startReceiver(): Promise<Receiver> {
  const child = fork(join(import.meta.dirname, 'receiver.ts'), { execArgv: [] })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (port) => resolve(port as number))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the receiver ended with ${code}`)))
  })
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    tally: async () => {
      const response = await fetch(`${url}/tally`, { method: 'DELETE' })
      return (await response.json()) as Tally
    },
    [Symbol.dispose]: () => void child.kill(),
  }
}
