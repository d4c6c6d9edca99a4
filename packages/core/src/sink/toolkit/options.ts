import { ConfigError } from '../../errors/errors.ts'
import { isNextBuild } from '../../lib/runtime.ts'
import type { Sink } from '../sink.ts'
import type { SinkResult } from '../sink-result.ts'

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

/**
 * True for a key, or an address, that is missing only because `next build` looks at the application:
 * the machine that builds needs no key to the bills.
 */
export function isMissingInBuild(key: unknown): boolean {
  return (key === undefined || key === '') && isNextBuild()
}

/** The sink of a build without a key, which sends nothing: what is recorded meanwhile stays pending. */
export function keylessSink(name: string): Sink {
  const reason = 'next build has no key for it; the application sends it where it runs'
  return {
    name,
    // It sends nothing: of a build that is killed, nothing is uncertain.
    reportsProgress: true,
    send: async ({ entries }, _signal, _progress) =>
      entries.map((): SinkResult => ({ status: 'retry', reason, afterMs: 60_000 })),
  }
}

/** Takes a key out of a text of somebody else's, so that it can be shown. */
export function withoutKey(text: string, key: string | undefined, mark = '[key]'): string {
  return key === undefined || key === '' ? text : text.replaceAll(key, mark)
}
