/** What an SDK's request promise knows of its response. */
export interface ResponseProps {
  readonly response: Response
  readonly options?: { readonly stream?: boolean }
}

/** The `APIPromise` of the OpenAI and Anthropic SDKs, as far as they matter here. */
export interface SdkPromise extends Promise<unknown> {
  responsePromise: Promise<ResponseProps>
  parse(): Promise<unknown>
  asResponse(): Promise<Response>
  withResponse(): Promise<{ data: unknown; response: Response; request_id?: string | null }>
  _thenUnwrap(transform: (data: unknown, props: ResponseProps) => unknown): SdkPromise
}

/** What to do with a response, whichever way the caller asks for it. */
export interface ResponseObserver {
  /** The parsed body, or the SDK's stream object; what it returns is what the caller gets. */
  onData(data: unknown, props: ResponseProps): unknown
  /** The raw response, whose body the caller may read himself. */
  onResponse(response: Response): Response
  /** The response has come and nobody has asked for its body. */
  onUnclaimed(props: ResponseProps): void
  /** The storing of the usage, where the outbox needs time for it: results wait for it. */
  stored(): Promise<void> | undefined
}

/** True for the promise that the SDKs' `post` and `get` answer. */
export function isSdkPromise(value: unknown): value is SdkPromise {
  const promise = value as Partial<SdkPromise> | undefined
  return typeof promise?._thenUnwrap === 'function' && typeof promise.asResponse === 'function'
}

/**
 * Taps an SDK promise without asking it for anything: the body is parsed when the caller asks,
 * once, and every promise derived from it stays an SDK promise with all its helpers.
 *
 * `_thenUnwrap` gives a promise whose parsing goes through the observer, and the SDK's own
 * resource methods derive theirs from that one.
 */
export function observePromise(promise: SdkPromise, observer: ResponseObserver): SdkPromise {
  const claim = { made: false }
  void promise.responsePromise?.then(
    (props) => {
      if (!claim.made) observer.onUnclaimed(props)
    },
    (error) => {
      // Unclaimed, the failure must surface as unhandled, as it does without a meter.
      if (!claim.made) throw error
    },
  )
  return tapped(
    promise._thenUnwrap((data, props) => observer.onData(data, props)),
    observer,
    claim,
  )
}

function tapped(
  promise: SdkPromise,
  observer: ResponseObserver,
  claim: { made: boolean },
): SdkPromise {
  const { parse, asResponse, _thenUnwrap } = promise
  const ownsWithResponse = Object.hasOwn(promise, 'withResponse')
  promise.parse = () => {
    claim.made = true
    return parse.call(promise).then((data) => {
      const stored = observer.stored()
      return stored === undefined ? data : stored.then(() => data)
    })
  }
  promise.asResponse = () => {
    claim.made = true
    return asResponse.call(promise).then((response) => observer.onResponse(response))
  }
  promise._thenUnwrap = (transform) => tapped(_thenUnwrap.call(promise, transform), observer, claim)
  // The prototype's withResponse parses and asks for the raw response at once. That response is
  // the SDK's to read, so it must not be tapped. SDK 7 brings a withResponse of its own.
  if (!ownsWithResponse) {
    promise.withResponse = async () => {
      const data = await promise
      const response = await asResponse.call(promise)
      return { data, response, request_id: response.headers.get('x-request-id') }
    }
  }
  return promise
}
