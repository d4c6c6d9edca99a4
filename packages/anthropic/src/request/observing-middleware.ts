import { type Call, jsonObject } from '@token-meter/core/wire'
import { type ObservedCall, observeResponse } from '@token-meter/core/adapter'

/** A request as the SDK's middleware sees it: https://github.com/anthropics/anthropic-sdk-typescript */
interface WireRequest {
  readonly body?: unknown
}

type Middleware = (
  request: WireRequest,
  next: (request: WireRequest) => Promise<Response>,
) => Promise<Response>

/**
 * A middleware to stand behind the application's own: it sees every request that really goes out,
 * such as each hop of a fallback, and nothing of what another middleware answers by itself. The
 * first of `hops` is the caller's call, which says who pays; each response is a call of its own.
 */
export function observingMiddleware(caller: ObservedCall, hops: ObservedCall[]): Middleware {
  return async (request, next) => {
    const response = await next(request)
    // A mock of fetch may answer nothing: what to say of that is the SDK's business.
    if (!(response as Response | undefined)?.ok) return response
    const hop = caller.again(hopCall(caller.call, request), caller.endpoint)
    hops.push(hop)
    try {
      return observeResponse(response, hop)
    } catch (cause) {
      hop.fault('a response could not be observed', cause)
      return response
    }
  }
}

/** A hop may ask another model than the caller did. */
function hopCall(call: Call, { body }: WireRequest): Call {
  if (typeof body !== 'string') return call
  try {
    return { ...call, body: { ...call.body, ...jsonObject(JSON.parse(body)) } }
  } catch {
    return call
  }
}
