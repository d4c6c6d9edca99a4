import type { WireProtocol } from '../../wire/protocol.ts'
import type { CallObserver } from '../provider.ts'
import { ToldOnce } from '../told-once.ts'
import { observeFetch } from './observe-fetch.ts'

/** What the calls of a client are observed with that sends by a `fetch`. */
export interface SendingObservation {
  /** Sends as the given function does, and is metered. */
  observe(send: typeof fetch): typeof fetch
  /** Something of the client cannot be observed: its calls work, and are not metered. Said once. */
  fault(what: string): void
}

/** @param provider who serves the requests. @default who their host says */
export function sendingObservation(
  observer: CallObserver,
  protocol: WireProtocol,
  provider: string | undefined,
): SendingObservation {
  const observation = { observer, protocols: [protocol], provider }
  const told = new ToldOnce()
  return {
    observe: (send) => observeFetch(send, observation),
    fault(what) {
      if (told.isNews(what)) observer.fault(what)
    },
  }
}
