import {
  isSdkPromise,
  type ObservedCall,
  observePromise,
  observeResponse,
} from '@token-meter/core/adapter'
import { type Call, jsonObject } from '@token-meter/core/wire'

/**
 * Observing where the application has middleware of its own (SDK 0.101 on), such as one that falls
 * back to another model: what the caller gets may be the answer of another request than the one the
 * caller made, or of none. So a middleware of ours stands behind the application's, next to the
 * network, and every attempt that gets an answer there is a call of its own. The promise that the
 * caller holds is tapped for one thing alone: it waits until the usage of all attempts is stored.
 */

/** A request as the SDK's middleware sees it: https://github.com/anthropics/anthropic-sdk-typescript */
interface MiddlewareRequest {
  readonly body?: unknown
}

type Middleware = (
  request: MiddlewareRequest,
  next: (request: MiddlewareRequest) => Promise<Response>,
) => Promise<Response>

/**
 * A middleware to stand behind the application's own: it sees every request that really goes out,
 * and nothing of what another middleware answers by itself.
 *
 * @param caller the call as the caller made it: it says who pays for all attempts.
 * @param attempts gets one call for each answer.
 */
export function observingMiddleware(caller: ObservedCall, attempts: ObservedCall[]): Middleware {
  return async (request, next) => {
    const response = await next(request)
    // A mock of fetch may answer nothing: what to say of that is the SDK's business.
    if (!(response as Response | undefined)?.ok) return response
    const attempt = caller.again(attemptedCall(caller.call, request), caller.endpoint)
    attempts.push(attempt)
    try {
      return observeResponse(response, attempt)
    } catch (cause) {
      attempt.fault('a response could not be observed', cause)
      return response
    }
  }
}

/** An attempt may ask another model than the caller did. */
function attemptedCall(call: Call, { body }: MiddlewareRequest): Call {
  if (typeof body !== 'string') return call
  try {
    return { ...call, body: { ...call.body, ...jsonObject(JSON.parse(body)) } }
  } catch {
    return call
  }
}

/**
 * Taps the promise of a call whose responses a middleware observes: what the caller gets waits for
 * the storing of their usage, and a body that nobody asks for is read all the same.
 *
 * @param caller the call as the caller made it, which uses nothing itself: what is held for it is settled by
 * its attempts.
 */
export function observeAttempts(
  answer: unknown,
  caller: ObservedCall,
  attempts: readonly ObservedCall[],
): unknown {
  if (!isSdkPromise(answer)) return answer
  return observePromise(answer, {
    onData: (data) => data,
    onResponse: (response) => response,
    onAnswer: () => caller.dismiss(),
    onFailed: (error) => caller.failed(error),
    onBoth() {},
    onUnclaimed({ response, options }) {
      // A stream would be kept running: it counts once it is dropped.
      if (options?.stream === true || attempts.length === 0) return
      void response
        .clone()
        .text()
        .catch(() => {})
    },
    onBroken() {
      for (const attempt of attempts) attempt.abandon()
    },
    stored() {
      const waiting = attempts.map(({ stored }) => stored).filter((stored) => stored !== undefined)
      return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined)
    },
  })
}
