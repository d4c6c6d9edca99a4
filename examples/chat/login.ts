import { Hono } from 'hono'
import { html } from 'hono/html'
import { signIn, signOut } from './session.ts'
import type { Tenant } from './tenants.ts'

/** A login without passwords, as it stands in for yours: choose a company, and you are it. */
export function loginRoutes(tenants: readonly Tenant[]): Hono {
  return new Hono()
    .get('/login', (c) => c.html(loginPage(tenants)))
    .post('/login', async (c) => {
      const { company } = await c.req.parseBody()
      const tenant = tenants.find(({ id }) => id === company)
      if (tenant === undefined) return c.redirect('/login', 303)
      await signIn(c, tenant)
      return c.redirect('/', 303)
    })
    .post('/logout', (c) => {
      signOut(c)
      return c.redirect('/login', 303)
    })
}

function loginPage(tenants: readonly Tenant[]) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Sign in</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body class="login">
        <form method="post" action="/login">
          <h1>Who are you?</h1>
          <p>Three companies share this chat. Each pays for its own tokens, and sees only those.</p>
          ${tenants.map(
            ({ id, name, isPrepaid }) =>
              html`<button name="company" value="${id}">
                <span class="initial">${name.charAt(0)}</span>${name}
                <small>${isPrepaid ? 'buys credit' : 'pays as it goes'}</small>
              </button>`,
          )}
          <small>No password: this page stands in for the login that you have.</small>
        </form>
      </body>
    </html>`
}
