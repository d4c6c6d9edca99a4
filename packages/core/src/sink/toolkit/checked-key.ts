import { ConfigError } from '../../errors/errors.ts'

/** What a key is called in errors. */
export interface KeyNames {
  /** The function that takes it: `stripeSink`. */
  readonly sink: string
  /** Its option: `apiKey`. */
  readonly option: string
  readonly kind: 'key' | 'token'
  /** What to set it to, for people. */
  readonly wanted: string
}

/**
 * A key, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing, or is none that can be sent in a header.
 */
export function checkedKey(key: unknown, { sink, option, kind, wanted }: KeyNames): string {
  if (typeof key !== 'string' || key === '') {
    const got = key === '' ? 'an empty string' : `a value of type ${typeof key}`
    throw new ConfigError(`${sink}: ${option} is ${got}; set it to ${wanted}`)
  }
  if (/^[!-~]+$/.test(key)) return key
  throw new ConfigError(
    `${sink}: ${option} has white space or other characters in it that no ${kind} has; remove them`,
  )
}
