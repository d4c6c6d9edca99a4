/** Codes of errors with which no byte of a request has left: of Node, undici and Bun. */
const beforeSending: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_INVALID_URL',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ConnectionRefused',
])

/** How deep causes are looked into: SDKs wrap the error of `fetch`, which wraps that of the socket. */
const deepest = 5

/**
 * Whether a request that has failed may have reached its server, and not been answered by it. False for an
 * error that is an answer (it has a status, or what the server said), and for one with which certainly
 * nothing was sent.
 */
export function mayHaveArrived(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true
  const { status, statusCode, error: said } = error as Readonly<Record<string, unknown>>
  if (typeof status === 'number' || typeof statusCode === 'number') return false
  if (typeof said === 'object' && said !== null) return false
  let cause: unknown = error
  for (let depth = 0; depth < deepest && typeof cause === 'object' && cause !== null; depth++) {
    if (beforeSending.has((cause as { code?: unknown }).code)) return false
    cause = (cause as { cause?: unknown }).cause
  }
  return true
}
