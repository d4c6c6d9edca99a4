import { checkedKey } from '@token-meter/core/sink'

/**
 * The key, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing or can be no key.
 */
export function checkedApiKey(apiKey: unknown): string {
  return checkedKey(apiKey, {
    sink: 'lagoSink',
    option: 'apiKey',
    kind: 'key',
    wanted: 'an API key of your Lago organization (Developers > API keys)',
  })
}
