/** What is used of an answer, or of the error that the SDK made of it. */
export interface IngestAnswer {
  readonly status: number
  readonly retryAfter: string | null
  /** It is a problem of RFC 7807, as all errors of OpenMeter are, and not a proxy's. */
  readonly isProblem: boolean
  /** What it says, or what went wrong in reading it. */
  readonly detail: string
}

/** The SDK's `HTTPError`, or what a client of the application throws. */
interface IngestError {
  readonly message?: unknown
  readonly status?: unknown
  getField?(name: string): unknown
}

/**
 * The answer, from the response where it was seen, else from the error; `undefined` where there was
 * none. The response wins: an error can also be that its body is not what the SDK expects.
 */
export function ingestAnswer(
  response: Response | undefined,
  thrown: unknown,
): IngestAnswer | undefined {
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as IngestError
  const field = (name: string): unknown =>
    typeof error.getField === 'function' ? error.getField(name) : undefined
  const status = response?.status ?? error.status
  if (typeof status !== 'number') return undefined
  const contentType = response?.headers.get('content-type')
  return {
    status,
    retryAfter: response?.headers.get('retry-after') ?? null,
    isProblem:
      response === undefined
        ? field('title') !== undefined
        : contentType?.startsWith('application/problem+json') === true,
    detail: detailOf(field, error.message),
  }
}

/** v3 names the fields at fault in a list of its own. */
function detailOf(field: (name: string) => unknown, message: unknown): string {
  const fields = field('invalid_parameters')
  const parts = [field('detail') ?? field('title') ?? message ?? 'no message']
  if (fields !== undefined) parts.push(JSON.stringify(fields))
  return parts.map(String).join(' ').slice(0, 500)
}
