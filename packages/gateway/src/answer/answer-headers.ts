/** The headers that a caller gets of an upstream's answer: as they came, but for what is named here. */
import {
  connectionNames,
  headerPairs,
  type RawHeaders,
  type RequestHeaders,
} from '../request/raw-headers.ts'

/** The name of the gateway's request, by which `GET /usage/{id}` finds what it has cost. */
export const requestIdHeader = 'x-token-meter-request-id'

/** Of a body as the upstream wrote it: they are of another one where the gateway changes it. */
const ofBody: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'etag',
  'digest',
  'content-digest',
  'repr-digest',
  'content-md5',
  'accept-ranges',
])

export interface AnswerHeadersOptions {
  readonly requestId: string
  /** The body is not the upstream's, byte for byte. */
  readonly isChanged: boolean
  /** What lets a browser read the answer: names and values by turns. */
  readonly cors: readonly string[]
}

/** Raw headers of undici, as they are told by Node: names and values by turns. */
export function latinHeaders(raw: readonly (Buffer | string)[]): readonly string[] {
  return raw.map((each) => (typeof each === 'string' ? each : each.toString('latin1')))
}

/** @returns names and values by turns, as `writeHead` takes them. */
export function answerHeaders(
  answer: RequestHeaders,
  { requestId, isChanged, cors }: AnswerHeadersOptions,
): string[] {
  const dropped = connectionNames(answer)
  // A trailer can be announced only where it can be sent: behind a body in chunks.
  const isSized = !isChanged && answer.get('content-length') !== null
  const passed: string[] = []
  for (const [name, value] of headerPairs(answer.raw)) {
    const key = name.toLowerCase()
    if (dropped.has(key) || key.startsWith('access-control-') || key === requestIdHeader) continue
    if (isChanged && ofBody.has(key)) continue
    if (isSized && key === 'trailer') continue
    passed.push(name, value)
  }
  passed.push(requestIdHeader, requestId, ...cors)
  return passed
}

/** What may stand behind a body: nothing that frames it, or says who somebody is. */
export function answerTrailers(raw: RawHeaders): [string, string][] {
  const pairs = [...headerPairs(raw)].filter(([name]) => !notTrailers.has(name.toLowerCase()))
  return pairs.map(([name, value]) => [name, value])
}

const notTrailers: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'set-cookie',
  'trailer',
  'transfer-encoding',
])
