/** What callers write where a secret does not belong, and logs must not have. */
import type { AccessEntry } from '../access-entry.ts'
import { withoutKeys } from '../keys/key-secret.ts'

/** How keys of providers, of Stripe and of Google begin, and what long text is behind that. */
const secretShapes =
  /(?<![0-9A-Za-z])(?:(?:sk|rk|pk|gsk|xai|pplx|hf|r8)[-_][\w-]{12,}|AIza[\w-]{20,}|ya29\.[\w.-]+|eyJ[\w-]+\.[\w.-]+)/g

/**
 * @param secrets those that are known here, which look like nothing.
 * @returns a function that cuts them, and what looks like a key, out of what a caller wrote in an entry.
 */
export function withoutSecrets(secrets: readonly (string | undefined)[]) {
  const known = secrets.filter((secret) => secret !== undefined && secret !== '') as string[]
  const written = [...new Set(known.flatMap((secret) => [secret, encodeURIComponent(secret)]))]
  const cut = (text: string): string => {
    let left = withoutKeys(text)
    for (const secret of written) left = left.replaceAll(secret, '...')
    return left.replaceAll(secretShapes, (key) => `${key.slice(0, 3)}...`)
  }
  return (entry: AccessEntry): AccessEntry => ({
    ...entry,
    path: cut(entry.path),
    model: entry.model === null ? null : cut(entry.model),
  })
}
