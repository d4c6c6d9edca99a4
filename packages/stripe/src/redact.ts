import { withoutKey } from '@token-meter/core/sink'

/** Takes keys out of a text of somebody else's, whole or masked, so that it can be shown. */
export function redact(text: string, apiKey: string | undefined): string {
  return withoutKey(text, apiKey).replace(/\b(?:sk|rk|pk|ek|whsec)_[\w*]+/g, '[key]')
}
