import { noEstimate } from '@token-meter/core/wire'
import type { ObservedCall } from '@token-meter/core/adapter'

/**
 * A call to be remembered until its job has ended, which may be never: who pays, and the fields of
 * the request that the bill is made from. Its prompt and the endpoint that knows it are let go.
 */
export function withoutPrompt(call: ObservedCall): ObservedCall {
  const body = { model: call.requestedModel, seconds: secondsOf(call) }
  const endpoint = { name: call.endpoint.name, read: () => [], ...noEstimate }
  return call.again({ ...call.call, body }, endpoint)
}

function secondsOf({ call }: ObservedCall): unknown {
  try {
    const { seconds } = call.body as { seconds?: unknown }
    return seconds
  } catch {
    // Out of reach by now, as a revoked draft is.
    return undefined
  }
}
