/** Keeps a serverless platform from freezing or ending the process until the promise has ended. */
export type WaitUntil = (promise: Promise<unknown>) => void

const key = Symbol.for('@vercel/request-context')

interface RequestContexts {
  get?(): { waitUntil?: WaitUntil } | undefined
}

/**
 * Vercel's own, of the request that is running now; it is what `waitUntil` of `@vercel/functions`
 * calls.
 */
export function platformWaitUntil(): WaitUntil | undefined {
  const contexts = (globalThis as { [key]?: RequestContexts })[key]
  const context = contexts?.get?.()
  return context?.waitUntil && ((promise) => context.waitUntil?.(promise))
}
