import {
  ConfigError,
  checkKeys,
  isDuration,
  isFunction,
  isOneOf,
  optionCheck,
} from '@token-meter/core/outbox'
import type { Outbox } from '@token-meter/core/outbox'
import type { CallerKeys } from '../caller.ts'
import { KeyCache } from './key-cache.ts'
import type { KeyInfo, KeyOptions, KeyPage, KeyQuery, NewKey } from './key.ts'
import { checkedKeyOptions } from './key-options.ts'
import { keyIdIn, mintKey, mintKeyId } from './key-secret.ts'
import type { KeyRow, KeyStore } from './key-store.ts'
import { LastUses } from './last-uses.ts'
import { openKeyStore } from './open-key-store.ts'
import { openRates } from './rates/open-rates.ts'

/** What is changed of a key: what is left out stays, and `null` takes it away. */
export type KeyChanges = { readonly [Name in keyof KeyOptions]?: KeyOptions[Name] | null }

/**
 * Keys that are kept beside the records of an outbox. A key is named by its whole text, by `tm-<id>` or
 * by its id; a name that is none finds none.
 */
export interface GatewayKeys extends CallerKeys {
  /** @throws ConfigError for a wrong option, and for an alias that another key has. */
  generate(options?: KeyOptions): Promise<NewKey>
  info(key: string): Promise<KeyInfo | undefined>
  /** @throws ConfigError as `generate`. */
  update(key: string, changes: KeyChanges): Promise<KeyInfo | undefined>
  /** Returns the ids of those that there were. */
  delete(keys: readonly string[]): Promise<readonly string[]>
  list(query?: KeyQuery): Promise<KeyPage>
  /**
   * Gives it a new secret. The old one works for another `graceMs`, in ms; of an older one nothing is left.
   * @param options `graceMs` is 0 where it is left out.
   */
  rotate(key: string, options?: { readonly graceMs?: number }): Promise<NewKey | undefined>
  block(key: string): Promise<KeyInfo | undefined>
  unblock(key: string): Promise<KeyInfo | undefined>
  /** Writes down when keys were used last, and stops. The outbox is closed by whoever made it. */
  close(): Promise<void>
}

export interface GatewayKeysOptions {
  /** Beside whose records they are kept: in memory, SQLite or Postgres. */
  readonly outbox: Outbox
  /**
   * Whether the gateways that have one Postgres count a key's requests and tokens together. `false`:
   * each process for itself. @default false
   */
  readonly shared?: boolean
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
  /** Told of what was not written down: a last use, the end of a request. @default nobody */
  readonly onError?: (error: unknown) => void
}

const known: Readonly<Record<keyof GatewayKeysOptions, true>> = {
  outbox: true,
  shared: true,
  now: true,
  onError: true,
}

/** How often a change is tried that others get in the way of. */
const maxTries = 10
const maxPageSize = 1000

/**
 * The keys of a gateway, in the outbox that its meter has.
 * @throws ConfigError for a wrong option, an outbox that has no place for them, and `shared` without Postgres.
 */
export function gatewayKeys(options: GatewayKeysOptions): GatewayKeys {
  checkKeys<GatewayKeysOptions>('gatewayKeys', options, known)
  const { outbox, shared = false, now = Date.now, onError = () => undefined } = options
  const check = optionCheck('gatewayKeys')
  check('outbox', outbox, 'the outbox of a meter', (value) => typeof value === 'object')
  check('shared', shared, 'true or false', isOneOf(true, false))
  check('now', now, 'a function', isFunction)
  check('onError', onError, 'a function', isFunction)
  const store = openKeyStore(outbox)
  const rates = openRates(outbox, { shared, now: options.now, onError })
  const uses = new LastUses((times) => store.used(times), { now, onError })
  const cache = new KeyCache((id) => store.get(id), { now, used: (id) => uses.note(id) })

  const change = async (
    key: string,
    changed: (row: KeyRow) => Partial<KeyRow>,
  ): Promise<KeyRow | undefined> => {
    const id = keyIdIn(key)
    if (id === undefined) return undefined
    for (let tries = 1; tries <= maxTries; tries++) {
      const row = await store.get(id)
      if (row === undefined) return undefined
      const next = { ...row, ...changed(row), updatedAt: now(), version: row.version + 1 }
      const isWritten = await store.replace(next)
      if (isWritten) {
        cache.forget(id)
        return next
      }
      const { alias } = next.options
      if (alias !== undefined && alias !== row.options.alias && (await store.hasAlias(alias))) {
        throw aliasTaken()
      }
    }
    throw new ConfigError(
      `key: others are changing it all the time: nothing was changed, try again`,
    )
  }
  const infoAfter = async (changed: Promise<KeyRow | undefined>) => {
    const row = await changed
    return row && infoOf(row, now())
  }

  return {
    authenticate: (presented) => cache.authenticate(presented),
    enter: (caller) => {
      const limits = cache.limitsOf(caller)
      return limits === undefined ? notCounted : rates.enter(limits)
    },
    async generate(options = {}) {
      const checked = checkedKeyOptions(options)
      return await added(store, checked, now())
    },
    async info(key) {
      const id = keyIdIn(key)
      const row = id === undefined ? undefined : await store.get(id)
      return row && infoOf(row, now())
    },
    update: (key, changes) =>
      infoAfter(change(key, ({ options }) => ({ options: changedOptions(options, changes) }))),
    async delete(keys) {
      const removed = await store.remove(keys.flatMap((key) => keyIdIn(key) ?? []))
      for (const id of removed) cache.forget(id)
      return removed
    },
    async list(query = {}) {
      const { page = 1, size = 100, ...which } = query
      const checkPage = optionCheck('keys.list')
      checkPage('page', page, 'a whole number from 1 up', isWithin(1, 1_000_000))
      checkPage('size', size, `a whole number from 1 to ${maxPageSize}`, isWithin(1, maxPageSize))
      const { rows, count } = await store.list({ ...which, limit: size, offset: (page - 1) * size })
      const at = now()
      return { keys: rows.map((row) => infoOf(row, at)), count }
    },
    async rotate(key, { graceMs = 0 } = {}) {
      const isGrace = (value: unknown) => isDuration(value) && value !== Infinity
      optionCheck('keys.rotate')('graceMs', graceMs, 'a number of ms from 0 up', isGrace)
      const id = keyIdIn(key)
      if (id === undefined) return undefined
      const minted = mintKey(id)
      const row = await change(id, ({ hash }) => ({
        hash: minted.hash,
        oldHash: graceMs > 0 ? hash : null,
        oldUntil: graceMs > 0 ? now() + graceMs : null,
      }))
      return row && { key: minted.key, info: infoOf(row, now()) }
    },
    block: (key) => infoAfter(change(key, () => ({ isBlocked: true }))),
    unblock: (key) => infoAfter(change(key, () => ({ isBlocked: false }))),
    async close() {
      await Promise.all([uses.close(), rates.close()])
    },
  }
}

const notCounted = { leave: () => undefined }

async function added(store: KeyStore, options: KeyOptions, at: number): Promise<NewKey> {
  for (let tries = 1; tries <= maxTries; tries++) {
    const id = mintKeyId()
    const { key, hash } = mintKey(id)
    const row: KeyRow = {
      id,
      hash,
      oldHash: null,
      oldUntil: null,
      options,
      isBlocked: false,
      createdAt: at,
      updatedAt: at,
      lastUsedAt: null,
      version: 1,
    }
    if (await store.add(row)) return { key, info: infoOf(row, at) }
    if (options.alias !== undefined && (await store.hasAlias(options.alias))) throw aliasTaken()
  }
  throw new ConfigError('key: no new id was found for it: try again')
}

function aliasTaken(): ConfigError {
  return new ConfigError('key: another key has this alias: choose another one, or delete that key')
}

function changedOptions(options: KeyOptions, changes: KeyChanges): KeyOptions {
  const merged: Record<string, unknown> = { ...options }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete merged[name]
    else if (value !== undefined) merged[name] = value
  }
  return checkedKeyOptions(merged)
}

function infoOf(row: KeyRow, at: number): KeyInfo {
  const { id, options, isBlocked, createdAt, updatedAt, lastUsedAt, oldUntil } = row
  return {
    ...options,
    id,
    isBlocked,
    createdAt,
    updatedAt,
    ...(lastUsedAt !== null && { lastUsedAt }),
    ...(oldUntil !== null && oldUntil > at && { graceUntil: oldUntil }),
  }
}

function isWithin(least: number, most: number): (value: unknown) => boolean {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}
