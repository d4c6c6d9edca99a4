import { ConfigError } from '../errors/errors.ts'

/** An environment variable that is set and not blank. */
export function variable(name: string): string | undefined {
  const value = globalThis.process?.env?.[name]?.trim()
  return value === undefined || value === '' ? undefined : value
}

/**
 * True where a timer, a connection or a promise lives no longer than the request that made it: on
 * Cloudflare Workers. Nothing can run there in the background.
 */
export function isRequestBound(): boolean {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers'
}

/** True in a page: bundlers bring a `process` along there, but never one of Node. */
function isBrowser(): boolean {
  const { window, document, process } = globalThis as Readonly<Record<string, unknown>> & {
    readonly process?: { readonly versions?: { readonly node?: string } }
  }
  const isPage = typeof window === 'object' && typeof document === 'object'
  return isPage && process?.versions?.node === undefined
}

/**
 * Refuses a meter in a browser, and one that no request has made.
 * @throws ConfigError
 */
export function checkRuntime(): void {
  if (isBrowser()) {
    throw new ConfigError(
      'a meter does not run in a browser, where usage could be changed and keys be read: meter the ' +
        'call on your server, which the page asks (docs/fetch.md)',
    )
  }
  if (!isRequestBound()) return
  try {
    clearTimeout(setTimeout(() => {}, 0))
  } catch (cause) {
    throw new ConfigError(
      'createMeter() was called at the top of a Worker, where nothing can be started: make the meter ' +
        'in the handler, one for each request, with the outbox outside (docs/serverless.md)',
      { cause },
    )
  }
}
