import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ForTenant } from './session.ts'
import type { UsageBoard } from './usage-board.ts'

/** GET /usage: what the signed-in company has used, now and after each change, until the server stops. */
export function usageRoute(board: UsageBoard, stopping: AbortSignal): Hono<ForTenant> {
  return new Hono<ForTenant>().get('/', (c) => {
    const { name, stripeCustomer } = c.var.tenant
    return streamSSE(c, async (page) => {
      const send = (): void => {
        const data = JSON.stringify({ company: name, ...board.of(stripeCustomer) })
        void page.writeSSE({ data })
      }
      const stop = board.watch(stripeCustomer, send)
      send()
      await new Promise<void>((resolve) => {
        page.onAbort(resolve)
        stopping.addEventListener('abort', () => resolve(), { signal: c.req.raw.signal })
      })
      stop()
    })
  })
}
