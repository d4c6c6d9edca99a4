import { fork } from 'node:child_process'
import { once } from 'node:events'

/** The provider: a process of its own. */
export interface AnswerServer {
  readonly url: string
  /**
   * When the next endless stream is seen closed, on the clock of `process.hrtime.bigint()`, which
   * processes of one machine share; `undefined` after `timeoutMs`.
   */
  nextClose(timeoutMs: number): Promise<bigint | undefined>
  stop(): void
}

export async function startServer(): Promise<AnswerServer> {
  const child = fork(new URL('server-process.ts', import.meta.url), { execArgv: [] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    async nextClose(timeoutMs) {
      try {
        const signal = AbortSignal.timeout(timeoutMs)
        const [{ closedAt }] = (await once(child, 'message', { signal })) as [{ closedAt: string }]
        return BigInt(closedAt)
      } catch {
        return undefined
      }
    },
    stop: () => child.disconnect(),
  }
}
