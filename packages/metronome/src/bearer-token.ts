import { checkedKey, ConfigError } from '@token-meter/core/sink'

/**
 * The token, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing, or is none that can be sent.
 */
export function checkedBearerToken(bearerToken: unknown): string {
  if (typeof bearerToken === 'string' && /^bearer\s/i.test(bearerToken)) {
    throw new ConfigError(
      'metronomeSink: bearerToken begins with "Bearer"; set it to the token alone',
    )
  }
  return checkedKey(bearerToken, {
    sink: 'metronomeSink',
    option: 'bearerToken',
    kind: 'token',
    wanted: 'an API token of Metronome (Connections, API tokens & webhooks) that may ingest usage',
  })
}
