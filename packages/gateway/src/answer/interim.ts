/** Interim answers of an upstream, such as early hints, on their way to the caller. */
import type { ServerResponse } from 'node:http'
import { headerPairs, type RawHeaders } from '../request/raw-headers.ts'

/** Came with Node 26. */
interface Informing {
  readonly writeInformation?: (status: number, headers: RawHeaders) => void
}

/** Passes one on, as far as this Node can: older ones know 102, and 103 with its links. Never throws. */
export function passInterim(response: ServerResponse, status: number, headers: RawHeaders): void {
  if (response.headersSent || response.destroyed) return
  const { writeInformation } = response as Informing
  try {
    if (writeInformation !== undefined) writeInformation.call(response, status, headers)
    else if (status === 102) response.writeProcessing()
    else if (status === 103) response.writeEarlyHints(hintsOf(headers))
  } catch {
    // What is no hint that it takes. The answer itself is still to come.
  }
}

/** By lower-cased names, in which Node looks for the links. */
function hintsOf(headers: RawHeaders): Record<string, string | string[]> {
  const hints: Record<string, string[]> = {}
  for (const [name, value] of headerPairs(headers)) {
    const key = name.toLowerCase()
    hints[key] = [...(hints[key] ?? []), value]
  }
  return hints
}
