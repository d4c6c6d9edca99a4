/** What is used of an error of `fetch` or of Node's sockets. */
export interface NetworkFailure {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly cause?: NetworkFailure | undefined
  /** One for each address that was tried. */
  readonly errors?: readonly NetworkFailure[]
}

/** Faults from before the first byte of a request: names, connections and certificates. */
const beforeTheRequest = new Set<unknown>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** True when the failure says that there was no connection, so that nothing can have arrived. */
export function neverSent(failure: NetworkFailure | undefined): boolean {
  if (typeof failure !== 'object' || failure === null) return false
  const { code, syscall, cause, errors = [] } = failure
  // The same codes, such as ETIMEDOUT, also come from a connection that was in use.
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  if (errors.length > 0) return errors.every(neverSent)
  return beforeTheRequest.has(code) || neverSent(cause)
}
