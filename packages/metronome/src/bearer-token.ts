import { ConfigError } from '@token-meter/core/adapter'

const wanted =
  'an API token of Metronome (Connections, API tokens & webhooks) that may ingest usage'

/**
 * The token, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing, or is none that can be sent.
 */
export function checkedBearerToken(bearerToken: unknown): string {
  if (typeof bearerToken !== 'string' || bearerToken === '') {
    const got = bearerToken === '' ? 'an empty string' : `a value of type ${typeof bearerToken}`
    throw new ConfigError(`metronomeSink: bearerToken is ${got}; set it to ${wanted}`)
  }
  if (/^bearer\s/i.test(bearerToken)) {
    throw new ConfigError(
      'metronomeSink: bearerToken begins with "Bearer"; set it to the token alone',
    )
  }
  if (!/^[!-~]+$/.test(bearerToken)) {
    throw new ConfigError(
      'metronomeSink: bearerToken has white space or other characters in it that no token has; remove them',
    )
  }
  return bearerToken
}
