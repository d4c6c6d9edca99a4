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

/**
 * Refuses a meter that no request has made.
 * @throws ConfigError
 */
export function checkRequest(): void {
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
