import {
  isPromise,
  observeCall,
  type ObservedCall,
  prepareOptions,
  untilAdmitted,
} from '@token-meter/core/adapter'
import type { Method } from './api-client.ts'
import type { Observation } from './google-observation.ts'

interface RequestOptions {
  readonly body?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal | null
}

/** The client that SDK 1 makes for its interactions: built as OpenAI's SDK, with its promises. */
interface NextGenClient {
  post: Method
  get: Method
}

export function isNextGenClient(value: unknown): value is NextGenClient {
  const { post, get } = (value ?? {}) as Partial<NextGenClient>
  return typeof post === 'function' && typeof get === 'function'
}

/** Lets the requests of a metered client's own next-generation client be observed, in place. */
export function hookNextGenClient(client: NextGenClient, observation: Observation): void {
  for (const method of ['post', 'get'] as const) {
    const original = client[method]
    const value = (
      path: string,
      input: RequestOptions | undefined,
      ...rest: unknown[]
    ): unknown => {
      const open = (options?: RequestOptions) =>
        observation.open({ method: method.toUpperCase(), url: path, body: options?.body })
      // Where its options are still to come, the path says whether there is anything to observe.
      const isLater = isPromise(input)
      const known = open(isLater ? undefined : input)
      if (known === undefined) return Reflect.apply(original, client, [path, input, ...rest])
      let call: ObservedCall | undefined
      const prepare = (
        options: RequestOptions | undefined,
      ): RequestOptions | undefined | Promise<RequestOptions | undefined> => {
        const opened = isLater ? open(options) : known
        call = opened && observation.begin(opened)
        if (call?.admission === undefined) return options
        return untilAdmitted(call, options?.signal).then(() => options)
      }
      const options = isLater ? input.then(prepare) : prepareOptions(input, prepare)
      return observeCall(Reflect.apply(original, client, [path, options, ...rest]), () => call)
    }
    Object.defineProperty(client, method, { value, configurable: true, writable: true })
  }
}
