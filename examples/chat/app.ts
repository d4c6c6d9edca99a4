import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'
import { join } from 'node:path'
import { type ChatOptions, chatRoute } from './chat.ts'
import { loginRoutes } from './login.ts'
import { requireTenant } from './session.ts'
import type { Tenant } from './tenants.ts'
import type { UsageBoard } from './usage-board.ts'
import { usageRoute } from './usage.ts'

export interface AppOptions extends ChatOptions {
  /** Takes Stripe's reports of usage that it could not bill; absent without a webhook secret. */
  readonly handleMeterErrors: ((request: Request) => Promise<Response>) | undefined
  readonly tenants: readonly Tenant[]
  readonly board: UsageBoard
  /** Aborted when the server stops: ends what would never end by itself. */
  readonly stopping: AbortSignal
}

/** The whole server: a login, and behind it the page, the chat and the usage of one company. */
export function createApp({
  tenants,
  board,
  stopping,
  handleMeterErrors,
  ...chat
}: AppOptions): Hono {
  const app = new Hono()
  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'self'"] } }), csrf())
  app.route('/', loginRoutes(tenants))

  // Stripe signs in with its signature.
  if (handleMeterErrors) app.post('/stripe/webhook', (c) => handleMeterErrors(c.req.raw))

  const signedIn = requireTenant(tenants)
  app.get('/', signedIn)
  app.use('/chat', signedIn).route('/chat', chatRoute(chat))
  app.use('/usage', signedIn).route('/usage', usageRoute(board, stopping))

  app.use(serveStatic({ root: join(import.meta.dirname, 'page') }))
  return app
}
