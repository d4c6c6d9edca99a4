import { maxTimerMs } from '../lib/timing.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { ConfigError } from './errors.ts'

/**
 * Checks one option.
 * @param wanted what it takes, for people: `a number above 0`.
 * @throws ConfigError naming the option, what it got and what it takes. A text is never shown: it
 * may be a key, unless `optionCheck` is told how.
 */
export type OptionCheck = (
  name: string,
  value: unknown,
  wanted: string,
  isRight: (value: unknown) => boolean,
) => void

/**
 * @param owner the function that takes the options: `stripeSink`.
 * @param shown what it got, for people. One of its own may show a text, where no option is a key.
 */
export function optionCheck(
  owner: string,
  shown: (value: unknown) => string = inWords,
): OptionCheck {
  return (name, value, wanted, isRight) => {
    if (isRight(value)) return
    throw new ConfigError(`${owner}: ${name} must be ${wanted}, got ${shown(value)}`)
  }
}

/**
 * Refuses what is no object of options, an option that there is not, which would be left out without
 * a word, and `null`, which is no default.
 * @param owner the function that takes them: `stripeSink`.
 * @param known every option that there is.
 * @throws ConfigError that names the option, and the one that was probably meant. No value is shown.
 */
export function checkKeys<Options extends object>(
  owner: string,
  given: unknown,
  known: Readonly<Record<keyof Options, true>>,
): asserts given is Options {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(`${owner} takes an object of options, got ${inWords(given)}`)
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, name)) throw unknownOption(owner, name, Object.keys(known))
    if (value !== null) continue
    throw new ConfigError(`${owner}: ${name} is null; leave it out for its default`)
  }
}

function unknownOption(owner: string, name: string, known: readonly string[]): ConfigError {
  const meant = nearestName(name, known)
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`
  return new ConfigError(
    `${owner}: there is no option "${name}"${hint || '.'} It takes ${known.join(', ')}`,
  )
}

/** What a value is, without showing a text. */
function inWords(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`
  if (value === '') return 'an empty string'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** A string that is not empty. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** An object with a function of that name: what is recognised by shape, never by class. */
export function hasMethod(name: string): (value: unknown) => boolean {
  return (value) =>
    isFunction((value as Readonly<Record<string, unknown>> | null | undefined)?.[name])
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

/** A number of ms from 0 up; without an end, where `Infinity` is one. */
export function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** A number of ms from 0 up that has an end. */
export function isFiniteDuration(value: unknown): boolean {
  return isDuration(value) && value !== Infinity
}

/** A whole number of ms from 1 up that a timer can take. */
export function isTimerMs(value: unknown): boolean {
  return isCount(value) && (value as number) <= maxTimerMs
}
