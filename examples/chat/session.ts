import { getSignedCookie, setSignedCookie, deleteCookie } from 'hono/cookie'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Tenant } from './tenants.ts'

/** What a route behind `requireTenant` knows. */
export interface ForTenant {
  Variables: { readonly tenant: Tenant }
}

const cookie = 'company'
/** Of this process: a restart signs everybody out. */
const secret = crypto.randomUUID()

export async function signIn(c: Context, tenant: Tenant): Promise<void> {
  await setSignedCookie(c, cookie, tenant.id, secret, { httpOnly: true, sameSite: 'Lax' })
}

export function signOut(c: Context): void {
  deleteCookie(c, cookie)
}

/**
 * Lets only signed-in companies pass. Who pays comes from here, and never from what the browser
 * sends along.
 */
export function requireTenant(tenants: readonly Tenant[]) {
  return createMiddleware<ForTenant>(async (c, next) => {
    const id = await getSignedCookie(c, secret, cookie)
    const tenant = tenants.find((tenant) => tenant.id === id)
    if (tenant === undefined) {
      return c.req.path === '/' ? c.redirect('/login') : c.json({ error: 'Sign in first.' }, 401)
    }
    c.set('tenant', tenant)
    return await next()
  })
}
