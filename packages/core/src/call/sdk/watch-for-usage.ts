import { saysTokens } from '../unknown-usage.ts'
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
