import { withoutKey } from '@token-meter/core/sink'

/** A proxy's error page can be long, and a reason is kept with every record. */
const longest = 300

/** A text of somebody else's, so that it can be shown: without the token, on one line, not long. */
export function readable(text: string, bearerToken: string | undefined): string {
  const withoutOwn = withoutKey(text, bearerToken, '[token]')
  // Cut last: half a token would not be found.
  const line = withoutOwn.replace(/\bbearer\s+[\w.~+/=-]+/gi, 'Bearer [token]').replace(/\s+/g, ' ')
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}
