import type { RequestRewrite } from '@token-meter/core/wire'

/** Rides on a request's options, which the SDK copies and never sends. */
const tag = Symbol.for('token-meter.request-rewrite')

interface RequestOptions {
  [tag]?: Tag
}

/** What is to be done to each attempt of one request. */
interface Tag {
  readonly rewrite: RequestRewrite
  /** The attempt under way went out changed. */
  isApplied: boolean
  /** The server refused the change: it is not made again. */
  isRefused: boolean
}

/** What every major of the SDK has beneath its request methods. */
interface Hooked {
  baseURL: string
  prepareRequest(request: SdkRequest, context: { options: RequestOptions }): Promise<void>
  makeRequest(options: unknown, ...rest: unknown[]): Promise<unknown>
}

interface SdkRequest {
  body?: unknown
  headers?: unknown
}

/** Clients, and the hooks themselves: a client has them also behind another tool's proxy. */
const hooked = new WeakSet<object>()

/** A copy of a request's options that has it rewritten. The body stays the caller's own object. */
export function withRewrite(options: object, rewrite: RequestRewrite): object {
  return { ...options, [tag]: { rewrite, isApplied: false, isRefused: false } satisfies Tag }
}

/**
 * Lets tagged requests of a client be rewritten, in their serialised body: the SDK keys its parsers
 * on the caller's body object, and serialises it once. A server that refuses what was added gets the
 * request again without it.
 *
 * Both hooks are own, non-enumerable properties of the raw client and do nothing for requests
 * without a tag.
 * @throws TypeError when the client cannot be changed; its streams are then not asked.
 */
export function hookRequests(client: object): void {
  if (hooked.has(client)) return
  const prepareRequest = methodOf(client, 'prepareRequest')
  const makeRequest = methodOf(client, 'makeRequest')
  if (hooked.has(prepareRequest)) return

  // What has no tag goes straight through: each promise in between costs every call of the client.
  define(client, 'prepareRequest', function (this: Hooked, request, context) {
    const tagged = context?.options?.[tag]
    if (tagged !== undefined) rewrite(request, tagged)
    return prepareRequest.call(this, request, context)
  } satisfies Hooked['prepareRequest'])

  define(client, 'makeRequest', function (this: Hooked, optionsInput, ...rest) {
    return makeRequest.call(this, optionsInput, ...rest).then(undefined, async (error: unknown) => {
      const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown }
      if (typeof status !== 'number') throw error
      const options = (await optionsInput) as RequestOptions | undefined
      const tagged = options?.[tag]
      if (tagged?.isApplied !== true) throw error
      if (!tagged.rewrite.isRefusal(status, String(message))) throw error
      // Perhaps it was the caller's own options that were refused: then it fails again, as it must.
      tagged.isRefused = true
      const answer = await makeRequest.call(this, options, ...rest)
      tagged.rewrite.refused()
      return answer
    })
  } satisfies Hooked['makeRequest'])
  hooked.add(client).add(methodOf(client, 'prepareRequest'))
}

/** The client's own, whatever another tool's proxy answers in its place. */
function methodOf<Name extends 'prepareRequest' | 'makeRequest'>(
  client: object,
  name: Name,
): Hooked[Name] {
  const own: unknown = Reflect.getOwnPropertyDescriptor(client, name)?.value
  return (own ?? Reflect.get(Object.getPrototypeOf(client) as object, name)) as Hooked[Name]
}

/** Changes a request; whatever body cannot take the change is sent as it is. */
function rewrite(request: SdkRequest, tagged: Tag): void {
  tagged.isApplied = false
  if (tagged.isRefused || typeof request.body !== 'string') return
  try {
    const body = tagged.rewrite.apply(request.body)
    if (body === undefined) return
    request.body = body
    tagged.isApplied = true
    correctLength(request)
  } catch {
    // A body that only looked like JSON.
  }
}

function define(client: object, name: keyof Hooked, value: unknown): void {
  Object.defineProperty(client, name, { value, configurable: true, writable: true })
}

/** Clients of the same generator's older kind set the length of the body they serialised. */
function correctLength({ body, headers }: SdkRequest): void {
  const plain = headers as Record<string, string> | undefined
  if (plain?.['content-length'] === undefined) return
  plain['content-length'] = String(new TextEncoder().encode(body as string).byteLength)
}
