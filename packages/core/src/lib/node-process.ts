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
