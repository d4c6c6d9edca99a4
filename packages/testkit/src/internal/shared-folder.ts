import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The folder `shared` beside the repository, with recorded traffic and API descriptions that are
 * not part of it; `undefined` where it is absent, and the suites that need it skip.
 */
export function sharedFolder(): string | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'shared')
    // Any folder can be called `shared`; only ours holds this.
    if (existsSync(join(candidate, 'recordings', 'expected.json'))) return candidate
    if (folder === dirname(folder)) return undefined
  }
}

/** The file with Stripe's API description; `undefined` where it is absent. */
export function stripeOpenApi(): string | undefined {
  const shared = sharedFolder()
  if (shared === undefined) return undefined
  const file = join(shared, 'openapi', 'stripe-billing.json')
  return existsSync(file) ? file : undefined
}
