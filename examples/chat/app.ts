import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'
import { join } from 'node:path'
import { type ChatOptions, chatRoute } from './chat.ts'
import { loginRoutes } from './login.ts'
import { requireTenant } from './session.ts'
import type { Tenant } from './tenants.ts'
import type { ForTenant } from './session.ts'
import { type UsageRouteOptions, usageRoute } from './usage.ts'

/** Takes what Stripe posts to a webhook. */
export type Webhook = (request: Request) => Promise<Response>

export interface AppOptions extends ChatOptions, UsageRouteOptions {
  readonly tenants: readonly Tenant[]
  /** Takes Stripe's reports of usage that it could not bill; absent without a webhook secret. */
  readonly handleMeterErrors: Webhook | undefined
  /** Absent where no credit is sold. */
  readonly shop: Shop | undefined
}

/** How credit is bought. */
export interface Shop {
  readonly topUp: Hono<ForTenant>
  /** Takes what Stripe tells of payments. */
  readonly handlePayments: Webhook
  /** The page to pay on, where Stripe is on this machine. */
  readonly checkout: Hono<ForTenant> | undefined
}

/** The whole server: a login, and behind it the page, the chat and the usage of one company. */
export function createApp({ tenants, handleMeterErrors, shop, ...options }: AppOptions): Hono {
  const app = new Hono()
  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'self'"] } }), csrf())
  app.route('/', loginRoutes(tenants))

  // Stripe signs in with its signature.
  if (handleMeterErrors) app.post('/stripe/webhook', (c) => handleMeterErrors(c.req.raw))
  if (shop) app.post('/stripe/credits', (c) => shop.handlePayments(c.req.raw))

  const signedIn = requireTenant(tenants)
  app.get('/', signedIn)
  app.use('/chat', signedIn).route('/chat', chatRoute(options))
  app.use('/usage', signedIn).route('/usage', usageRoute(options))
  if (shop) app.use('/top-up', signedIn).route('/top-up', shop.topUp)
  if (shop?.checkout) app.use('/checkout/*', signedIn).route('/checkout', shop.checkout)

  app.use(serveStatic({ root: join(import.meta.dirname, 'page') }))
  return app
}
