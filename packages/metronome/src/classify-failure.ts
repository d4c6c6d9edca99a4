import { neverSent, retryAfterMs, type NetworkFailure } from '@token-meter/core/sink'
import type { Outcome, Retry } from './outcome.ts'

/** What is used of the errors of `@metronome/sdk`. */
export interface MetronomeFailure {
  readonly status?: number | undefined
  readonly message?: string | undefined
  readonly headers?: { get(name: string): string | null } | undefined
  /** The body, where it was JSON. */
  readonly error?: unknown
  /** What broke the connection. */
  readonly cause?: NetworkFailure | undefined
}

/** A setting is put right by a person, so there is no hurry; nothing is given up meanwhile. */
const wrongSettingAfterMs = 60_000

/**
 * What an error means for the events of a request. Only a refusal of what they hold can make dead
 * letters. What concerns the account or the address is a retry, as is what passes. Without an answer,
 * or with a 5xx, Metronome may have them.
 */
export function classifyFailure(failure: MetronomeFailure, nowMs: number): Outcome {
  const { status, message = 'no message', headers } = failure
  if (status === undefined) {
    const reason = `no answer of Metronome's: ${messages(failure)}`
    const retry: Retry = { status: 'retry', cause: 'failure', reason }
    return neverSent(failure.cause) ? retry : { ...retry, uncertain: true }
  }
  const afterMs = retryAfterMs(headers?.get('retry-after'), nowMs)
  if (status >= 500) {
    const reason = `Metronome failed: ${message}`
    return { status: 'retry', cause: 'failure', reason, afterMs, uncertain: true, mayDivide: true }
  }
  if (status === 429) {
    const reason = `too many requests for Metronome: ${message}`
    return { status: 'retry', cause: 'account', reason, afterMs }
  }
  if (status === 408 || status === 409 || status === 425) {
    const reason = `Metronome is busy with it: ${message}`
    return { status: 'retry', cause: 'failure', reason, afterMs }
  }
  if (status === 400 || status === 413 || status === 422) {
    return { status: 'refused', reason: `Metronome refused it: ${message}` }
  }
  return {
    status: 'retry',
    cause: 'account',
    reason: wrongSetting(status, message, headers?.get('location')),
    afterMs: wrongSettingAfterMs,
  }
}

/** True for a body like Metronome's, `{"message": "..."}`, and not an error page of a proxy. */
export function isMetronomes({ error }: MetronomeFailure): boolean {
  if (typeof error !== 'object' || error === null || !('message' in error)) return false
  return typeof error.message === 'string'
}

function wrongSetting(status: number, message: string, location: string | null = null): string {
  const then = 'the usage is kept and sent then.'
  if (status === 401) {
    return `Metronome does not know the API key (401): set bearerToken to an API token of the environment to bill in; ${then}`
  }
  if (status === 403) {
    return `Metronome does not let the API key ingest usage (403): give bearerToken a scope with the endpoint /v1/ingest; ${then} It said: ${message}`
  }
  const where = 'set baseUrl (or METRONOME_BASE_URL) to https://api.metronome.com, or leave it out;'
  if (status < 400) {
    return `the address answers with a redirect to ${location ?? 'nowhere'} (${status}): ${where} ${then}`
  }
  return `Metronome is not at this address (${status}): ${where} ${then} It said: ${message}`
}

/** `fetch failed` alone says nothing: what broke stands in the causes. */
function messages({ message = 'no message', cause }: MetronomeFailure): string {
  const texts = [message]
  for (let next: unknown = cause; next instanceof Error; next = next.cause) {
    if (next.message !== '') texts.push(next.message)
  }
  return [...new Set(texts)].join(': ')
}
