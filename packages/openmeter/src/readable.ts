import { withoutKey } from '@token-meter/core/sink'

/** A text of somebody else's without any key, so that it can be shown. */
export function readable(text: string, apiKey: string | undefined): string {
  return withoutKey(text, apiKey)
    .replace(/\bBearer\s+[!-~]+/gi, 'Bearer [key]')
    .replace(/\b(?:om|spat|kpat)_\w+/g, '[key]')
}
