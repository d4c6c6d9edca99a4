/** The target of a request, as its caller wrote it: nothing is decoded, joined or put in order. */
import { GatewayRefusal } from '../refusal.ts'

export interface RequestTarget {
  /** Begins with a slash. */
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly query: string
}

/** What ends a path segment for one server and not for another. */
const slashes = /%2f|%5c|\\/i

/**
 * @param url of the request line.
 * @throws GatewayRefusal 400 for what the gateway and an upstream could read differently: a whole address,
 * dots that climb, empty segments, slashes in disguise, parameters of segments (`..;`), anything but printable ASCII.
 */
export function requestTarget(url: string): RequestTarget {
  if (!url.startsWith('/')) {
    throw invalid(
      'the target of a request is a path that begins with a slash, and no whole address',
    )
  }
  if (/[^\x21-\x7e]|#/.test(url)) {
    throw invalid('the target of a request has a character in it that must be percent-encoded')
  }
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  checkPath(path)
  return { path, query: mark < 0 ? '' : url.slice(mark) }
}

function checkPath(path: string): void {
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    if (segment === '' && index < segments.length - 1)
      throw invalid('the path has an empty segment')
    if (!/[%\\;]/.test(segment) && !/^\.\.?$/.test(segment)) continue
    checkSegment(segment, segments[index - 1] === 'models' && index === segments.length - 1)
  }
}

/** @param mayHaveSlashes names of models have some, which SDKs encode: `meta-llama%2FLlama-3`. */
function checkSegment(segment: string, mayHaveSlashes: boolean): void {
  const decoded = decodedSegment(segment)
  const isTwice = /%(?:2e|2f|5c|25|00)/i.test(decoded)
  const isDots = decoded.split(/[/\\]/).some((part) => part === '.' || part === '..' || part === '')
  const hasControl = /\p{Cc}/u.test(decoded)
  if (isTwice || isDots || hasControl || (slashes.test(segment) && !mayHaveSlashes)) {
    throw invalid('the path has dots, slashes or control characters in it that are encoded')
  }
  // Some servers cut a segment there, before they look for dots.
  if (decoded.includes(';')) throw invalid('the path has a semicolon in it')
  if (segment.includes('\\')) throw invalid('the path has a backslash in it')
}

function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalid('the path is not well encoded')
  }
}

function invalid(what: string): GatewayRefusal {
  return new GatewayRefusal(400, 'invalid_request', `${what}: nothing was passed on`)
}

/** One `name=value` of a query, as it was written. */
export interface QueryPair {
  readonly raw: string
  readonly name: string
  readonly value: string
}

export function queryPairs(query: string): readonly QueryPair[] {
  if (query.length < 2) return []
  return query
    .slice(1)
    .split('&')
    .map((raw) => {
      const [[name = '', value = ''] = []] = new URLSearchParams(raw)
      return { raw, name, value }
    })
}

/** A query without the pairs that are not to be passed on; the others as they were written. */
export function queryWithout(query: string, isLeftOut: (pair: QueryPair) => boolean): string {
  const pairs = queryPairs(query)
  const kept = pairs.filter((pair) => !isLeftOut(pair))
  if (kept.length === pairs.length) return query
  return kept.length === 0 ? '' : `?${kept.map(({ raw }) => raw).join('&')}`
}
