/**
 * Keeps whose things are. What is asked for by an id has to be somebody's here, and the caller's: what
 * nobody made through the gateway is answered as if there were none. It is remembered for a time after its
 * last use (`made-ids.ts`), which is longer than the provider keeps it where that has an end.
 */
import { checkKeys, isFunction, optionCheck } from '@token-meter/core/outbox'
import type { Outbox } from '@token-meter/core/outbox'
import type { ObjectOwner } from '../payer/object-owner.ts'
import { GatewayRefusal } from '../refusal.ts'
import { openTables, placeOf } from '../store/tables.ts'
import { watchAnswer } from './answer-watch.ts'
import { madeIds } from './made-ids.ts'
import { memoryObjectStore } from './memory-object-store.ts'
import { namedIds } from './named-ids.ts'
import type { ObjectRow, ObjectStore } from './object-store.ts'
import type { ObjectRequest, ObjectWatch, OwnedObjects } from './owned-objects.ts'
import { type PathObject, pathObject } from './path-object.ts'
import { objectTables, sqlObjectStore } from './sql-object-store.ts'

export interface OwnedObjectsOptions {
  /** Beside whose records it is kept. */
  readonly outbox: Outbox
  /** Ids that every caller may use, such as those of a vector store that all customers have. @default none */
  readonly shared?: readonly string[]
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
  /** Told of what could not be written down: whoever made it finds nothing there. @default nobody */
  readonly onError?: (error: unknown) => void
}

const known: Readonly<Record<keyof OwnedObjectsOptions, true>> = {
  outbox: true,
  shared: true,
  now: true,
  onError: true,
}

const dayMs = 86_400_000
const pruneMs = 3_600_000
const maxKnown = 20_000

/** @throws ConfigError for a wrong option, and an outbox that has no place for it. */
export function ownedObjects(options: OwnedObjectsOptions): OwnedObjects {
  checkKeys<OwnedObjectsOptions>('ownedObjects', options, known)
  const { outbox, shared = [], now = Date.now, onError = () => undefined } = options
  const check = optionCheck('ownedObjects')
  check('now', now, 'a function', isFunction)
  check('onError', onError, 'a function', isFunction)
  const tables = openTables(outbox, objectTables)
  const store = tables === undefined ? memoryOf(outbox) : sqlObjectStore(tables)
  return new Objects(store, { shared: new Set(shared), now, onError })
}

/** Those of outboxes in memory: whoever opens one again finds what was made. */
const inMemory = new WeakMap<object, ObjectStore>()

function memoryOf(outbox: Outbox): ObjectStore {
  const store = inMemory.get(placeOf(outbox)) ?? memoryObjectStore()
  inMemory.set(placeOf(outbox), store)
  return store
}

interface Settings {
  readonly shared: ReadonlySet<string>
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

class Objects implements OwnedObjects {
  readonly #store: ObjectStore
  readonly #settings: Settings
  /** What is known of late, by upstream and id: whose something is never changes. */
  readonly #known = new Map<string, ObjectRow>()
  /** What is being written down. */
  readonly #writing = new Map<string, Promise<void>>()
  #prunedAt: number

  constructor(store: ObjectStore, settings: Settings) {
    this.#store = store
    this.#settings = settings
    this.#prunedAt = settings.now()
  }

  needsBody(request: Pick<ObjectRequest, 'dialect' | 'method' | 'path'>): boolean {
    if (!/^(?:POST|PUT|PATCH)$/.test(request.method)) return false
    const object = pathObject(request)
    return object !== undefined && !isFile(object)
  }

  check(request: ObjectRequest, owner: ObjectOwner): void | Promise<void> {
    const { upstream } = request
    const unknown: string[] = []
    for (const id of namedIds(request)) {
      if (this.#settings.shared.has(id)) continue
      const row = this.#known.get(keyOf(upstream, id))
      if (row === undefined || row.expiresAt <= this.#settings.now()) unknown.push(id)
      else this.#use(upstream, row, owner)
    }
    return unknown.length === 0 ? undefined : this.#checkStored(upstream, unknown, owner)
  }

  watch(request: ObjectRequest, owner: ObjectOwner): ObjectWatch | undefined {
    const reads = madeIds(request)
    if (reads === undefined) return undefined
    let writing: Promise<void> | undefined
    const made = (ids: readonly string[]) => {
      const before = writing
      const after = this.#add(request.upstream, ids, { owner: owner.id, keptMs: reads.keptMs })
      writing = before === undefined ? after : before.then(() => after)
    }
    return watchAnswer(reads, made, () => writing)
  }

  async #checkStored(upstream: string, ids: readonly string[], owner: ObjectOwner): Promise<void> {
    let rows: readonly ObjectRow[]
    try {
      // Whoever was told of something can ask for it at once.
      await Promise.all(ids.map((id) => this.#writing.get(keyOf(upstream, id))))
      rows = await this.#store.find(upstream, ids)
    } catch (cause) {
      const message = 'The gateway cannot look up at the moment whose this is: try again'
      throw new GatewayRefusal(503, 'unavailable', message, { cause, retryAfterMs: 1_000 })
    }
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const id of ids) {
      const row = found.get(id)
      if (row === undefined || row.expiresAt <= this.#settings.now()) throw notThere(id)
      this.#keep(upstream, row)
      this.#use(upstream, row, owner)
    }
  }

  /** @throws GatewayRefusal where it is somebody else's, as if there were none. */
  #use(upstream: string, row: ObjectRow, owner: ObjectOwner): void {
    if (!owner.mayUse(row.owner)) throw notThere(row.id)
    const expiresAt = this.#settings.now() + row.keptMs
    // Not with each use: it is kept for long.
    if (expiresAt - row.expiresAt < Math.min(dayMs, row.keptMs / 4)) return
    const used = { ...row, expiresAt }
    this.#keep(upstream, used)
    this.#store.extend(upstream, [used]).catch(this.#settings.onError)
  }

  /** Never rejects. */
  #add(
    upstream: string,
    ids: readonly string[],
    { owner, keptMs }: Pick<ObjectRow, 'owner' | 'keptMs'>,
  ): Promise<void> {
    const now = this.#settings.now()
    const fresh = ids.filter((id) => !this.#isKnown(upstream, id, now))
    if (fresh.length === 0) return Promise.resolve()
    const expiresAt = now + keptMs
    const writing = this.#write(
      upstream,
      fresh.map((id) => ({ id, owner, keptMs, expiresAt })),
    ).finally(() => {
      for (const id of fresh) this.#writing.delete(keyOf(upstream, id))
    })
    for (const id of fresh) this.#writing.set(keyOf(upstream, id), writing)
    return writing
  }

  async #write(upstream: string, rows: readonly ObjectRow[]): Promise<void> {
    try {
      const now = this.#settings.now()
      await this.#store.add(upstream, rows, now)
      if (now - this.#prunedAt < pruneMs) return
      this.#prunedAt = now
      await this.#store.prune(now)
    } catch (error) {
      this.#settings.onError(error)
    }
  }

  #isKnown(upstream: string, id: string, now: number): boolean {
    return (this.#known.get(keyOf(upstream, id))?.expiresAt ?? 0) > now
  }

  #keep(upstream: string, row: ObjectRow): void {
    const key = keyOf(upstream, row.id)
    this.#known.delete(key)
    this.#known.set(key, row)
    if (this.#known.size <= maxKnown) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}

/** Files of any length are sent there, and name nothing. */
function isFile({ collection, id, rest }: PathObject): boolean {
  if (collection === 'uploads') return rest === 'parts'
  return collection === 'files' && id === undefined && rest === ''
}

const keyOf = (upstream: string, id: string): string => `${upstream}\n${id}`

/** The same where there is none and where it is another's. Of the id its kind alone is said: it may be a key. */
function notThere(id: string): GatewayRefusal {
  const [kind = ''] = /^[A-Za-z]{2,20}[-_/]/.exec(id) ?? []
  const message = `There is nothing under an id that the request names ("${kind}..."), or it is not the caller's`
  return new GatewayRefusal(404, 'not_found', message)
}
