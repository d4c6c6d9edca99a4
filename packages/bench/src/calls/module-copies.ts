import { registerHooks } from 'node:module'

const scheme = 'bench-copy:'

/** Where a package is looked for: the benchmark's own dependencies, or those of the peers. */
export type From = 'workspace' | 'peers'

const parents: Record<From, string> = {
  workspace: import.meta.url,
  peers: new URL('../../peers/package.json', import.meta.url).href,
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.startsWith(scheme)) {
      const { pathname, searchParams } = new URL(specifier)
      const parentURL = parents[searchParams.get('from') as From]
      return inCopy(nextResolve(pathname, { ...context, parentURL }), searchParams.get('copy'))
    }
    const parent = context.parentURL ?? ''
    const copy = parent.includes('copy=') ? new URL(parent).searchParams.get('copy') : null
    const resolved = nextResolve(specifier, context)
    // Relative imports stay inside the package; its dependencies are shared by its copies.
    return specifier.startsWith('.') ? inCopy(resolved, copy) : resolved
  },
})

function inCopy<Resolved extends { url: string }>(resolved: Resolved, copy: string | null) {
  return copy === null ? resolved : { ...resolved, url: `${resolved.url}?copy=${copy}` }
}

/**
 * Imports a package, every module of it anew for each name of a copy: classes, prototypes and what
 * the compiler has learnt of them are a copy's own. Without a name it is the package as its
 * dependents see it.
 */
export function importCopy<Module>(name: string, from: From, copy?: string): Promise<Module> {
  const query = copy === undefined ? '' : `&copy=${copy}`
  return import(`${scheme}${name}?from=${from}${query}`) as Promise<Module>
}

/** Imports a package of the peers as it is. */
export function importPeer<Module>(name: string): Promise<Module> {
  return importCopy<Module>(name, 'peers')
}

/** The folder that the peers are installed in. */
export const peersFolder = new URL('.', parents.peers)
