/**
 * Tells whose key was presented. What was found is kept for a short time, so that a key that is blocked,
 * changed or deleted by another process ends here within seconds; what this process changes ends at once.
 *
 * A key is found by its id, and is the one only if its hash is the one that is kept: what is remembered
 * of an id alone would let in whoever knows that. The time it takes says nothing about how much of a key
 * was right: an unknown id and a wrong secret go the same way, to the store, and hashes are compared in
 * constant time.
 */
import type { Caller } from '../caller.ts'
import { GatewayRefusal } from '../refusal.ts'
import { inTime } from '../store/in-time.ts'
import { isSameHash, type KeyText, readKey, sha256 } from './key-secret.ts'
import type { KeyOptions } from './key.ts'
import type { KeyRow } from './key-store.ts'
import type { KeyLimits } from './rates/rates.ts'

/** For how long a key is what it was, in ms. */
const freshMs = 3_000
/** For how long it is so where the store does not answer, in ms. */
const staleMs = 60_000
const maxKeys = 10_000

/** Compared with where there is no key, so that an unknown id takes as long as a wrong secret. */
const noHash = sha256('')

interface KnownKey {
  readonly hash: string
  readonly caller: Caller
  /** When the key, or the secret that it had before, ends, in ms since the epoch. */
  readonly until: number
  readonly readAt: number
}

export interface KeyCacheOptions {
  readonly now: () => number
  /** A key was used. */
  readonly used: (id: string) => void
}

export class KeyCache {
  readonly #read: (id: string) => Promise<KeyRow | undefined>
  readonly #now: () => number
  readonly #used: (id: string) => void
  /** By id: of each the key, and the one before it in its time of grace. */
  readonly #known = new Map<string, readonly KnownKey[]>()
  /** What is being read, by id. */
  readonly #loading = new Map<string, Promise<readonly KnownKey[] | undefined>>()
  readonly #limits = new WeakMap<Caller, KeyLimits>()
  /** When the store did not answer, in ms since the epoch: who was known then does not wait for it again. */
  #silentAt = -Infinity

  constructor(read: (id: string) => Promise<KeyRow | undefined>, { now, used }: KeyCacheOptions) {
    this.#read = read
    this.#now = now
    this.#used = used
  }

  /** @throws GatewayRefusal 401; 503 where the store does not answer. */
  authenticate(presented: string | undefined): Caller | Promise<Caller> {
    if (presented === undefined) {
      throw new GatewayRefusal(
        401,
        'unauthorized',
        'This request has no key: send one of the gateway, such as "Authorization: Bearer tm-..."',
      )
    }
    const key = readKey(presented)
    if (key === undefined) throw wrongKey()
    const known = findKey(this.#known.get(key.id), key)
    const isSilent = this.#isWithin({ readAt: this.#silentAt }, freshMs)
    if (known !== undefined && this.#isWithin(known, isSilent ? staleMs : freshMs)) {
      return this.#admit(key.id, known)
    }
    return this.#ask(key)
  }

  /** What a caller of this cache is held to; `undefined` where that is nothing. */
  limitsOf(caller: Caller): KeyLimits | undefined {
    return this.#limits.get(caller)
  }

  /** A key was changed by this process. */
  forget(id: string): void {
    this.#known.delete(id)
    // What is being read may be from before the change.
    this.#loading.delete(id)
  }

  async #ask(key: KeyText): Promise<Caller> {
    const { id } = key
    for (;;) {
      let keys: readonly KnownKey[] | undefined
      try {
        keys = await this.#load(id)
      } catch (cause) {
        this.#silentAt = this.#now()
        // It was let in a moment ago, and what would end it cannot be written down either.
        const known = findKey(this.#known.get(id), key)
        if (known !== undefined && this.#isWithin(known, staleMs)) return this.#admit(id, known)
        throw unreadable(cause)
      }
      if (keys !== undefined) return this.#admit(id, findKey(keys, key))
    }
  }

  /** The keys of an id, as they are now; `undefined` where they were changed while they were read. */
  #load(id: string): Promise<readonly KnownKey[] | undefined> {
    const loading = this.#loading.get(id)
    if (loading !== undefined) return loading
    const isCurrent = () => this.#loading.get(id) === mine
    const mine: Promise<readonly KnownKey[] | undefined> = inTime(this.#read(id))
      .then((row) => {
        if (!isCurrent()) return undefined
        const keys = this.#keysOf(row)
        this.#keep(id, keys)
        return keys
      })
      .finally(() => {
        if (isCurrent()) this.#loading.delete(id)
      })
    this.#loading.set(id, mine)
    return mine
  }

  #keysOf(row: KeyRow | undefined): readonly KnownKey[] {
    if (row === undefined || row.isBlocked) return []
    const { id, hash, oldHash, oldUntil, options } = row
    const caller = callerOf(id, options)
    const { requestsPerMinute, tokensPerMinute, parallelRequests } = options
    if ((requestsPerMinute ?? tokensPerMinute ?? parallelRequests) !== undefined) {
      this.#limits.set(caller, { id, requestsPerMinute, tokensPerMinute, parallelRequests })
    }
    const readAt = this.#now()
    const until = options.expiresAt ?? Infinity
    const current = { hash, caller, until, readAt }
    if (oldHash === null || oldUntil === null) return [current]
    return [current, { hash: oldHash, caller, until: Math.min(until, oldUntil), readAt }]
  }

  #keep(id: string, keys: readonly KnownKey[]): void {
    this.#known.delete(id)
    if (keys.length === 0) return
    this.#known.set(id, keys)
    if (this.#known.size <= maxKeys) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }

  /** @throws GatewayRefusal where there is none, or its time is over: also of one that is remembered. */
  #admit(id: string, known: KnownKey | undefined): Caller {
    if (known === undefined || known.until <= this.#now()) throw wrongKey()
    this.#used(id)
    return known.caller
  }

  /** False too where the clock was put back. */
  #isWithin({ readAt }: Pick<KnownKey, 'readAt'>, ms: number): boolean {
    const age = this.#now() - readAt
    return age >= 0 && age < ms
  }
}

/** Compares with each, whether one was found or not. */
function findKey(keys: readonly KnownKey[] = [], { hash }: KeyText): KnownKey | undefined {
  let found: KnownKey | undefined
  for (const known of keys) if (isSameHash(known.hash, hash)) found = known
  if (keys.length === 0) isSameHash(noHash, hash)
  return found
}

/** One answer for all: it says nothing about whether there is such a key. */
function wrongKey(): GatewayRefusal {
  return new GatewayRefusal(
    401,
    'unauthorized',
    'The key of this request is not one of the gateway, or it is no longer valid: ask whoever runs the gateway for a key',
  )
}

function unreadable(cause: unknown): GatewayRefusal {
  const more = { cause, retryAfterMs: 1_000 }
  const message = 'The keys of this gateway cannot be read at the moment: try again'
  return new GatewayRefusal(503, 'unavailable', message, more)
}

function callerOf(id: string, options: KeyOptions): Caller {
  const { userId, teamId, customer, customers = [], models, pools, metadata = {} } = options
  return {
    keyId: id,
    userId: userId ?? null,
    teamId: teamId ?? null,
    customer: customer ?? null,
    mayName: customers === 'any' ? 'any' : new Set(customers),
    models: models && new Set(models),
    allowUnknown: options.allowUnknown ?? false,
    stripeHeaders: options.stripeHeaders ?? false,
    pools: pools ?? [],
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [name, String(value)]),
    ),
  }
}
