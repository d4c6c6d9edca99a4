import { ConfigError } from './errors/config-error.ts'

/**
 * Refuses what is no time to wait.
 * @throws ConfigError
 */
export function checkTimeout(method: 'flush' | 'close', timeoutMs: unknown): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return
  throw new ConfigError(
    `${method}({ timeoutMs }) must be a number of ms from 0 up, got ${String(timeoutMs)}`,
  )
}
