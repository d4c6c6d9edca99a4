import type { Pipeline } from './pipeline.ts'

// One for the process, also across copies of this package (an application can load both the ESM
// and the CJS build): two pipelines on one ledger would only compete.
const key = Symbol.for('token-meter.pipeline')
const watchersKey = Symbol.for('token-meter.pipeline-watchers')
const shared = globalThis as {
  [key]?: Pipeline | undefined
  [watchersKey]?: Set<(pipeline: Pipeline) => void>
}

/** The pipeline that every zero-config meter of the process records into. */
export function sharedPipeline(make: () => Pipeline): Pipeline {
  const running = shared[key]
  if (running !== undefined) return running
  const made = (shared[key] = make())
  for (const watcher of shared[watchersKey] ?? []) watcher(made)
  return made
}

/**
 * Tells of the pipeline that runs, and of each that is made after it, without making one. The
 * answer ends that. A watcher must not throw: it runs inside the first use of a meter.
 */
export function watchSharedPipeline(watcher: (pipeline: Pipeline) => void): () => void {
  const watchers = (shared[watchersKey] ??= new Set())
  watchers.add(watcher)
  if (shared[key] !== undefined) watcher(shared[key])
  return () => void watchers.delete(watcher)
}

/** Lets the next zero-config meter start afresh, after the shared pipeline was closed. */
export function forgetSharedPipeline(): void {
  shared[key] = undefined
}
