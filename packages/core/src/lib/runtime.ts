import type { AsyncLocalStorage } from 'node:async_hooks'

/**
 * A module of Node's own, asked for when it is needed; nothing where there is none. Some runtimes
 * only look like Node: in Next.js's edge runtime every function of `process` throws when it is called.
 */
export const builtInModule: typeof process.getBuiltinModule = ((name: string) => {
  try {
    return globalThis.process?.getBuiltinModule?.(name)
  } catch {
    return undefined
  }
}) as typeof process.getBuiltinModule

/** Listens to the process; false where there is none that could be listened to. */
export function listenToProcess(listen: (process: NodeJS.Process) => void): boolean {
  try {
    if (typeof globalThis.process?.on !== 'function') return false
    listen(globalThis.process)
    return true
  } catch {
    return false
  }
}

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

/**
 * True while `next build` runs the modules of an application to look at them: its keys and disks are
 * those of the machine that builds, and nothing may be made or sent.
 * @see https://nextjs.org/docs/app/api-reference/config/next-config-js#phase
 */
export function isNextBuild(): boolean {
  return globalThis.process?.env?.['NEXT_PHASE'] === 'phase-production-build'
}

/**
 * True where a server takes the body of a `Response` from inside the object, whatever its properties
 * say: everywhere but in Node, whose servers are written in JavaScript.
 */
export function takesBodiesInside(): boolean {
  // Others have a `process` that says it is Node's.
  return globalThis.navigator?.userAgent?.startsWith('Node.js/') !== true
}
