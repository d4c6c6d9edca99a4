import { askForUsage, rememberRefusal, type UsageRequest } from './usage-request.ts'

/** Rides on a request's options, which the SDK copies and never sends. */
const tag = Symbol.for('token-meter.usage-request')

interface RequestOptions {
  [tag]?: UsageRequest
}

/** What every major of the SDK has beneath its request methods. */
interface Hooked {
  baseURL: string
  prepareRequest(request: WireRequest, context: { options: RequestOptions }): Promise<void>
  makeRequest(options: unknown, ...rest: unknown[]): Promise<unknown>
}

interface WireRequest {
  body?: unknown
  headers?: unknown
}

/** Clients, and the hooks themselves: a client has them also behind another tool's proxy. */
const hooked = new WeakSet<object>()

/** A copy of a request's options that asks for usage. The body stays the caller's own object. */
export function withUsageRequest(options: object, request: UsageRequest): object {
  return { ...options, [tag]: request }
}

/**
 * Lets tagged requests of a client ask for their usage. The flag is put into the serialised body:
 * the SDK keys its parsers on the caller's body object, and serialises it once. A server that
 * refuses the flag gets the request again without it.
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
    const asked = context?.options?.[tag]
    if (asked?.active === true) ask(request, asked)
    return prepareRequest.call(this, request, context)
  } satisfies Hooked['prepareRequest'])

  define(client, 'makeRequest', function (this: Hooked, optionsInput, ...rest) {
    return makeRequest.call(this, optionsInput, ...rest).then(undefined, async (error: unknown) => {
      if (!isRefusal(error)) throw error
      const options = (await optionsInput) as RequestOptions | undefined
      const asked = options?.[tag]
      if (asked?.active !== true) throw error
      // Perhaps it was the caller's own options that were refused: then it fails again, as it must.
      asked.active = false
      const answer = await makeRequest.call(this, options, ...rest)
      rememberRefusal(asked)
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

/** Puts the flag into a request; whatever body that cannot take it is sent as it is. */
function ask(request: WireRequest, asked: UsageRequest): void {
  try {
    const body = typeof request.body === 'string' ? askForUsage(request.body, asked) : undefined
    asked.active = body !== undefined
    if (body === undefined) return
    request.body = body
    correctLength(request)
  } catch {
    asked.active = false
  }
}

function define(client: object, name: keyof Hooked, value: unknown): void {
  Object.defineProperty(client, name, { value, configurable: true, writable: true })
}

function isRefusal(error: unknown): boolean {
  const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown }
  return (status === 400 || status === 422) && /stream_options|include_usage/.test(String(message))
}

/** SDK 4 sets the length of the body it serialised itself. */
function correctLength({ body, headers }: WireRequest): void {
  const plain = headers as Record<string, string> | undefined
  if (plain?.['content-length'] === undefined) return
  plain['content-length'] = String(new TextEncoder().encode(body as string).byteLength)
}
