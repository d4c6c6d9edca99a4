import { jsonObject } from '../lib/json.ts'

/** True for an answer that says that it used tokens, whatever it is of. */
export function saysTokens(data: unknown): boolean {
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

/** What the application is told of a request that nobody here knows, and that used tokens. */
export function unknownUsageOf(what: string): string {
  return `${what} answered usage and is not metered, as nobody here knows what it is: record() it`
}
