import { jsonObject } from '../../lib/json.ts'
import { isSdkPromise, observePromise } from './observe-promise.ts'

const nothing = () => {}

/**
 * Looks, in passing, at what a request is answered that nobody knows how to meter: `found` is called
 * where the answer says that it used tokens. Answers what the caller gets, which is the same.
 */
export function watchForUsage(answer: unknown, found: () => void): unknown {
  if (!isSdkPromise(answer)) return answer
  return observePromise(answer, {
    onData(data) {
      if (saysTokens(data)) found()
      return data
    },
    onResponse: (response) => response,
    onBoth: nothing,
    onUnclaimed: nothing,
    onBroken: nothing,
    stored: () => undefined,
  })
}

function saysTokens(data: unknown): boolean {
  try {
    const usage = jsonObject(jsonObject(data).usage)
    return Object.entries(usage).some(
      ([name, count]) => /tokens$/i.test(name) && typeof count === 'number' && count > 0,
    )
  } catch {
    return false
  }
}

/** A path without what only one request has: ids, and the query. */
export function pathPattern(path: string): string {
  const [bare = ''] = path.split(/[?#]/, 1)
  return bare.replaceAll(/(?<=\/)(?!v\d)[^/]*\d[^/]*/g, ':id').slice(0, 100)
}
