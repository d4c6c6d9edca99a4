/**
 * A `fetch` that sends by another one: the given one, or the global one as it is at each call, which
 * tools for tests and frameworks replace. It is a function of its own with all that the other has on
 * it (`preconnect` of Bun, what Next.js marks its own with), so that it passes for it.
 */
import type { SendingFetch } from '../provider.ts'
import { observeFetch } from './observe-fetch.ts'
import type { FetchObservation } from './recognition.ts'

type Fetch = typeof fetch

// One for the process, also across copies of this package.
const key = Symbol.for('token-meter.metered-fetches')
const shared = globalThis as { [key]?: WeakSet<object> }
const meteredFetches = (): WeakSet<object> => (shared[key] ??= new WeakSet())

/** @param given what to send by. @default the global `fetch` */
export function meteredFetch(
  given: SendingFetch | undefined,
  observation: Omit<FetchObservation, 'anywhere'>,
): Fetch {
  const first = given ?? globalThis.fetch
  const send = given ?? (((...args) => globalFetch(first as Fetch)(...args)) as Fetch)
  const metered = observeFetch(send as Fetch, { ...observation, anywhere: true })
  takeProperties(metered, first)
  meteredFetches().add(metered)
  return metered
}

/**
 * The global `fetch`; where an application has put a metered one there, what was there before, since
 * it would send by itself for ever.
 */
function globalFetch(before: Fetch): Fetch {
  const { fetch } = globalThis
  return meteredFetches().has(fetch) ? before : fetch
}

function takeProperties(metered: object, sending: unknown): void {
  if (typeof sending !== 'function') return
  Reflect.setPrototypeOf(metered, Object.getPrototypeOf(sending) as object | null)
  const own = Object.getOwnPropertyDescriptors(sending) as PropertyDescriptorMap
  for (const name of Reflect.ownKeys(own)) {
    Reflect.defineProperty(metered, name, Reflect.get(own, name) as PropertyDescriptor)
  }
}
