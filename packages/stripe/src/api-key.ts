import { ConfigError, checkedKey, withoutKey } from '@token-meter/core/sink'

const wanted = 'a restricted key (rk_...) with the permission "Billing meter events: Write"'

/**
 * The key, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing or of a kind that cannot write meter events.
 */
export function checkedApiKey(given: unknown): string {
  const apiKey = checkedKey(given, { sink: 'stripeSink', option: 'apiKey', kind: 'key', wanted })
  if (apiKey.startsWith('pk_')) {
    throw new ConfigError(`stripeSink: apiKey is a publishable key (pk_); set it to ${wanted}`)
  }
  if (apiKey.startsWith('whsec_')) {
    throw new ConfigError(`stripeSink: apiKey is a webhook secret (whsec_); set it to ${wanted}`)
  }
  return apiKey
}

/** Whether a key is for live mode (`rk_live_`, `sk_live_`) or not (`_test_`); nothing where it does not say. */
export function keyMode(apiKey: unknown): boolean | undefined {
  if (typeof apiKey !== 'string') return undefined
  const [, mode] = /^[a-z]+(?:_[a-z]+)?_(live|test)_/.exec(apiKey) ?? []
  return mode === undefined ? undefined : mode === 'live'
}

let hasWarned = false

/** Warns, once in a process, about a key that can do more than it needs to. */
export function warnOfSecretKey(apiKey: string, onWarning: (message: string) => void): void {
  if (hasWarned || !apiKey.startsWith('sk_')) return
  hasWarned = true
  onWarning(
    `@token-meter/stripe got a secret key (sk_), which can do everything on the account; use ${wanted} and no other`,
  )
}

/** Takes keys out of a text of somebody else's, whole or masked, so that it can be shown. */
export function redact(text: string, apiKey: string | undefined): string {
  return withoutKey(text, apiKey).replace(/\b(?:sk|rk|pk|ek|whsec)_[\w*]+/g, '[key]')
}
