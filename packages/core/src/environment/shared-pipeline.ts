import type { Pipeline } from '../pipeline.ts'

// One for the process, also across copies of this package (an application can load both the ESM
// and the CJS build): two pipelines on one ledger would only compete.
const key = Symbol.for('token-meter.pipeline')
const shared = globalThis as { [key]?: Pipeline | undefined }

/** The pipeline that every zero-config meter of the process records into. */
export function sharedPipeline(make: () => Pipeline): Pipeline {
  return (shared[key] ??= make())
}

/** Lets the next zero-config meter start afresh, after the shared pipeline was closed. */
export function forgetSharedPipeline(): void {
  shared[key] = undefined
}
