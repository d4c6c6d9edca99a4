import { isSdkPromise, type ObservedCall, observePromise } from '@token-meter/core/adapter'

/**
 * Taps the promise of a call whose responses a middleware observes: what the caller gets waits for
 * the storing of their usage, and a body that nobody asks for is read all the same.
 */
export function observeHops(answer: unknown, hops: readonly ObservedCall[]): unknown {
  if (!isSdkPromise(answer)) return answer
  return observePromise(answer, {
    onData: (data) => data,
    onResponse: (response) => response,
    onBoth() {},
    onUnclaimed({ response, options }) {
      // A stream would be kept running: it counts once it is dropped.
      if (options?.stream === true || hops.length === 0) return
      void response
        .clone()
        .text()
        .catch(() => {})
    },
    onBroken() {
      for (const hop of hops) hop.abandon()
    },
    stored() {
      const waiting = hops.map(({ stored }) => stored).filter((stored) => stored !== undefined)
      return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined)
    },
  })
}
