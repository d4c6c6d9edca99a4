import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { CreditBoard } from './credit-board.ts'
import type { ForTenant } from './session.ts'
import type { UsageBoard } from './usage-board.ts'

export interface UsageRouteOptions {
  readonly board: UsageBoard
  readonly credit: CreditBoard
  /** Aborted when the server stops: ends what would never end by itself. */
  readonly stopping: AbortSignal
}

/**
 * GET /usage: what the signed-in company has used, now and after each change, until the server stops. Of
 * a company that buys credit also the events `balance`, `granted`, `low` and `exhausted`.
 */
export function usageRoute({ board, credit, stopping }: UsageRouteOptions): Hono<ForTenant> {
  return new Hono<ForTenant>().get('/', (c) => {
    const { name, stripeCustomer, isPrepaid } = c.var.tenant
    return streamSSE(c, async (page) => {
      const send = (): void => {
        const data = JSON.stringify({ company: name, ...board.of(stripeCustomer) })
        void page.writeSSE({ data })
      }
      const stops = [board.watch(stripeCustomer, send)]
      send()
      if (isPrepaid) {
        const tell = (event: string, data: object): void =>
          void page.writeSSE({ event, data: JSON.stringify(data) })
        stops.push(await credit.watch(stripeCustomer, tell))
      }
      await new Promise<void>((resolve) => {
        page.onAbort(resolve)
        stopping.addEventListener('abort', () => resolve(), { signal: c.req.raw.signal })
      })
      for (const stop of stops) stop()
    })
  })
}
