import { checkKeys, isDuration, optionCheck } from '../errors/option-check.ts'

export interface FlushOptions {
  /** @default 30000 */
  readonly timeoutMs?: number
}

export interface CloseOptions {
  /** @default 10000 */
  readonly timeoutMs?: number
}

/**
 * Refuses what is no time to wait.
 * @throws ConfigError
 */
export function checkTimeout(method: 'flush' | 'close', options: unknown): void {
  checkKeys<{ timeoutMs: number }>(`${method}()`, options, { timeoutMs: true })
  const { timeoutMs = 0 } = options
  optionCheck(`${method}()`)('timeoutMs', timeoutMs, 'a number of ms from 0 up', isDuration)
}
