import type { CallerKeys } from '../caller.ts'
import { isAdminRequest } from '../keys/admin/admin-key.ts'
import { presentedKey } from '../keys/presented-key.ts'
import type { RawHeaders } from '../payer/header-values.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { RequestUsage, UsageLookup } from './usage-lookup.ts'

export interface UsageRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: RawHeaders
}

export interface UsageApiOptions {
  readonly keys: CallerKeys
  /** `undefined`: nobody sees more than callers do. */
  readonly adminKey: string | undefined
}

/**
 * Answers `GET /usage/{x-token-meter-request-id}`; `undefined` for another path.
 * @throws GatewayRefusal as `authenticate` and `usageOf` say, and 405 for another method: by the promise.
 */
export function usageApi(
  lookup: UsageLookup,
  { keys, adminKey }: UsageApiOptions,
): (request: UsageRequest) => Promise<{ status: number; body: RequestUsage }> | undefined {
  return (request) => {
    const id = /^\/usage\/([^/]+)\/?$/.exec(request.path)?.[1]
    if (id === undefined) return undefined
    const answer = async () => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new GatewayRefusal(405, 'invalid_request', '/usage/{id} is asked by GET')
      }
      const isAdmin = adminKey !== undefined && isAdminRequest(request.headers, adminKey)
      const caller = isAdmin ? 'admin' : await keys.authenticate(presentedKey(request))
      return { status: 200, body: await lookup.usageOf(id, caller) }
    }
    return answer()
  }
}
