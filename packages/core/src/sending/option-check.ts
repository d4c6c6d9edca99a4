import { ConfigError } from '../errors/config-error.ts'
import { longestTimerMs } from './longest-timer.ts'

/**
 * Checks one option of a sink.
 * @param wanted what it takes, for people: `a number above 0`.
 * @throws ConfigError naming the option, what it got and what it takes. A text is never shown: it
 * may be a key.
 */
export type OptionCheck = (
  name: string,
  value: unknown,
  wanted: string,
  isRight: (value: unknown) => boolean,
) => void

/** @param sink the function that takes the options: `stripeSink`. */
export function optionCheck(sink: string): OptionCheck {
  return (name, value, wanted, isRight) => {
    if (isRight(value)) return
    const got = typeof value === 'number' ? `${value}` : `a value of type ${typeof value}`
    throw new ConfigError(`${sink}: ${name} must be ${wanted}, got ${got}`)
  }
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** A string that is not empty. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

export function isOneOf(...values: readonly unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value)
}

/** A whole number from 1 up. */
export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

export function isAboveZero(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

/** A whole number of ms from 1 up that a timer can take. */
export function isTimerMs(value: unknown): boolean {
  return isCount(value) && (value as number) <= longestTimerMs
}
