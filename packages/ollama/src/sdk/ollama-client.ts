import { clientView, type SendingObservation } from '@token-meter/core/adapter'

/**
 * An Ollama client by its shape, of SDK 0.5 or 0.6: `Ollama`, the instance that the package exports, those
 * of `ollama/browser`, and subclasses. Never by class: an application can hold two copies of the SDK.
 */
export interface OllamaClient {
  readonly chat: unknown
  readonly generate: unknown
  readonly embed: unknown
  abort(): void
}

/** True for what has the shape of an Ollama client. */
export function isOllamaClient(client: object): client is OllamaClient {
  const fields = client as Readonly<Record<string, unknown>>
  const methods = ['chat', 'generate', 'embed', 'pull', 'ps', 'abort', 'fetch']
  const hasMethods = methods.every((name) => typeof fields[name] === 'function')
  return hasMethods && typeof fields['config'] === 'object'
}

// `Reflect.apply` is how these are called.
type Method = (...args: unknown[]) => unknown

/**
 * A view of the client whose `fetch` is observed: its methods take it from the client with each request.
 */
export function observedClient<Client extends object>(
  client: Client,
  { observe, fault }: SendingObservation,
): Client {
  return clientView(client, {
    fault,
    replacement(_, name, value) {
      if (typeof value !== 'function') return undefined
      if (name === 'fetch') return () => observedFetch(value as typeof fetch, observe)
      return name === 'processStreamableRequest' ? () => closing(value as Method) : undefined
    },
  })
}

/** The same function in every respect, but that its calls are metered. */
function observedFetch(send: typeof fetch, observe: SendingObservation['observe']): typeof fetch {
  const observed = observe((input, init) => send(input, init))
  return new Proxy(send, {
    apply: (_, __, args: Parameters<typeof fetch>) => observed(...args),
  })
}

/** What the SDK answers a streamed request with. It keeps each in `ongoingStreamedRequests` until its end. */
interface Streamed {
  readonly itr?: AsyncGenerator<unknown>
}

interface Sender {
  readonly fetch: typeof fetch
  readonly ongoingStreamedRequests?: readonly unknown[]
}

const asksModel: ReadonlySet<unknown> = new Set(['chat', 'generate'])

/**
 * The method that sends what can be streamed, `(endpoint, request)`. Where the caller leaves a stream
 * early, the SDK lets go of the body and does not cancel it: the server goes on, and nothing is known
 * of the end. Here the body is cancelled then, as an abort would do.
 */
function closing(method: Method): Method {
  return new Proxy(method, {
    apply(_, self: Sender, args: unknown[]) {
      return asksModel.has(args[0])
        ? closedWhenLeft(method, self, args)
        : Reflect.apply(method, self, args)
    },
  })
}

async function closedWhenLeft(method: Method, self: Sender, args: unknown[]): Promise<unknown> {
  let cancel: (() => Promise<void>) | undefined
  const send: typeof fetch = async (input, init) => {
    const response = await self.fetch(input, init)
    const { body } = response
    if (body === null || init?.signal === undefined) return response
    const getReader = body.getReader.bind(body) as () => ReadableStreamDefaultReader<Uint8Array>
    const value = (): ReadableStreamDefaultReader<Uint8Array> => {
      const reader = getReader()
      cancel = () => reader.cancel().catch(() => {})
      return reader
    }
    Object.defineProperty(body, 'getReader', { configurable: true, writable: true, value })
    return response
  }
  const own: object = Object.create(self, { fetch: { value: send } }) as object
  const answer: unknown = await Reflect.apply(method, own, args)
  const { itr } = answer as Streamed
  if (typeof itr?.return !== 'function') return answer
  const leave = itr.return.bind(itr)
  // Also called behind the last word, when the SDK has taken the answer out of its list.
  const value = async (given: unknown): Promise<unknown> => {
    if (self.ongoingStreamedRequests?.includes(answer)) await cancel?.()
    return leave(given)
  }
  Object.defineProperty(itr, 'return', { configurable: true, writable: true, value })
  return answer
}
