import { ConfigError } from '@token-meter/core/adapter'

/**
 * The key, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing or can be no key.
 */
export function checkedApiKey(apiKey: unknown): string {
  if (typeof apiKey !== 'string' || apiKey === '') {
    const got = apiKey === '' ? 'an empty string' : `a value of type ${typeof apiKey}`
    throw new ConfigError(
      `lagoSink: apiKey is ${got}; set it to an API key of your Lago organization (Developers > API keys)`,
    )
  }
  if (!/^[!-~]+$/.test(apiKey)) {
    throw new ConfigError(
      'lagoSink: apiKey has white space or other characters in it that no key has; remove them',
    )
  }
  return apiKey
}
