// keys.ts
export interface ApiKey {
  readonly chargeBy: 'end-user' | 'user' | 'team'
  /** Whose key it is; a service has none. */
  readonly user?: string
  readonly team?: string
  /** Those that the holder may name in a request, where they pay. */
  readonly endUsers?: readonly string[]
}

/** By the SHA-256 of a key; in your gateway a table of the database. */
const keys = new Map<string, ApiKey>()

export async function addKey(secret: string, key: ApiKey): Promise<void> {
  keys.set(await hashOf(secret), key)
}

export async function keyOf(request: Request): Promise<ApiKey | undefined> {
  const [, secret] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return secret === undefined ? undefined : keys.get(await hashOf(secret))
}

async function hashOf(secret: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return Buffer.from(bytes).toString('hex')
}
