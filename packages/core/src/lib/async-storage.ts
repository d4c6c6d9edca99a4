import type { AsyncLocalStorage } from 'node:async_hooks'
import { builtInModule } from './node-process.ts'

/**
 * A storage that follows asynchronous work; `null` where the runtime has none. One of a name for
 * the whole process: an application can load both the ESM and the CJS build of this package.
 */
export function asyncStorage<Value>(name: string): AsyncLocalStorage<Value> | null {
  const shared = globalThis as { [key: symbol]: AsyncLocalStorage<Value> | null | undefined }
  const key = Symbol.for(name)
  if (shared[key] === undefined) {
    const Storage =
      builtInModule('node:async_hooks')?.AsyncLocalStorage ??
      (globalThis as { AsyncLocalStorage?: typeof AsyncLocalStorage }).AsyncLocalStorage
    shared[key] = Storage === undefined ? null : new Storage<Value>()
  }
  return shared[key] ?? null
}
