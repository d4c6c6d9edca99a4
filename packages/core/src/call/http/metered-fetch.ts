/**
 * A `fetch` that sends by another one: the given one, or the global one as it is at each call, which
 * tools for tests and frameworks replace. It is a function of its own with all that the other has on
 * it (`preconnect` of Bun, what Next.js marks its own with), so that it passes for it.
 */
import { expectSeenTwice } from '../answer-scope.ts'
import type { SendingFetch } from '../provider.ts'
import { observeFetch } from './observe-fetch.ts'
import type { FetchObservation } from './recognition.ts'

type Fetch = typeof fetch

// One for the process, also across copies of this package: each with what it sends by.
const key = Symbol.for('token-meter.metered-fetches')
const shared = globalThis as { [key]?: WeakMap<object, () => Fetch> }
const meteredFetches = (): WeakMap<object, () => Fetch> => (shared[key] ??= new WeakMap())

/** @param given what to send by. @default the global `fetch` */
export function meteredFetch(
  given: SendingFetch | undefined,
  observation: Omit<FetchObservation, 'anywhere' | 'sendMetered'>,
): Fetch {
  const first = (given ?? globalThis.fetch) as Fetch
  // The global one as it is at the call. Where an application has put a metered one there, it is what was
  // there before, since that one would send by itself for ever.
  const current = (): Fetch => {
    if (given !== undefined) return first
    const { fetch } = globalThis
    return meteredFetches().has(fetch) ? first : fetch
  }
  const send: Fetch = (...args) => current()(...args)
  const sendMetered: Fetch = (...args) => unmetered(current())(...args)
  const metered = observeFetch(send, { ...observation, anywhere: true, sendMetered })
  takeProperties(metered, first)
  meteredFetches().set(metered, current)
  expectSeenTwice()
  return metered
}

/** What a metered `fetch` sends by in the end: of several around each other, the outermost meters. */
function unmetered(fetch: Fetch): Fetch {
  const current = meteredFetches().get(fetch)
  return current === undefined ? fetch : unmetered(current())
}

function takeProperties(metered: object, sending: unknown): void {
  if (typeof sending !== 'function') return
  Reflect.setPrototypeOf(metered, Object.getPrototypeOf(sending) as object | null)
  const own = Object.getOwnPropertyDescriptors(sending) as PropertyDescriptorMap
  for (const name of Reflect.ownKeys(own)) {
    Reflect.defineProperty(metered, name, Reflect.get(own, name) as PropertyDescriptor)
  }
}
