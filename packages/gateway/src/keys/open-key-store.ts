import type { Outbox } from '@token-meter/core/outbox'
import { openTables, placeOf } from '../store/tables.ts'
import type { KeyStore } from './key-store.ts'
import { memoryKeyStore } from './memory-key-store.ts'
import { keyTables, sqlKeyStore } from './sql-key-store.ts'

/** Those of outboxes in memory: whoever opens one again finds its keys. */
const inMemory = new WeakMap<object, KeyStore>()

/** @throws ConfigError for an outbox that has no place for keys. */
export function openKeyStore(outbox: Outbox): KeyStore {
  const tables = openTables(outbox, keyTables)
  if (tables !== undefined) return sqlKeyStore(tables)
  const store = inMemory.get(placeOf(outbox)) ?? memoryKeyStore()
  inMemory.set(placeOf(outbox), store)
  return store
}
