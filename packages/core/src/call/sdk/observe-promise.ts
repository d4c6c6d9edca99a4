import { isPromise } from './request-options.ts'

/** What an SDK's request promise knows of its response. */
export interface ResponseProps {
  readonly response: Response
  readonly options?: { readonly stream?: boolean }
}

/** The `APIPromise` of the OpenAI and Anthropic SDKs, as far as they matter here. */
export interface SdkPromise extends Promise<unknown> {
  responsePromise: Promise<ResponseProps>
  /** Takes the props, behind the client in later majors. */
  parseResponse(...args: unknown[]): unknown
  parse(): Promise<unknown>
  asResponse(): Promise<Response>
  withResponse(): Promise<{ data: unknown; response: Response; request_id?: string | null }>
  _thenUnwrap(transform: (data: unknown, props: ResponseProps) => unknown): SdkPromise
  /** From Anthropic 1 on: the response, for helpers that make another promise of it. */
  _responseProps?(): Promise<ResponseProps>
}

/** What to do with a response, whichever way the caller asks for it. */
export interface ResponseObserver {
  /** The response has come; before anybody has its body. */
  onAnswer?(response: Response): void
  /** The parsed body, or the SDK's stream object; what it returns is what the caller gets. */
  onData(data: unknown): unknown
  /** The raw response, whose body the caller may read himself. */
  onResponse(response: Response): Response
  /** The raw response of data that the caller has already: of a stream, either may be read. */
  onBoth(response: Response): void
  /** The response has come and nobody has asked for its body. */
  onUnclaimed(props: ResponseProps): void
  /** The response has come, and its body cannot be read or parsed. */
  onBroken(): void
  /** There is no response: the request was not sent, not answered, or answered with an error. */
  onFailed?(error: unknown): void
  /** The storing of the usage, where the outbox needs time for it: results wait for it. */
  stored(): Promise<void> | undefined
}

/** True for the promise that the SDKs' `post` and `get` answer. */
export function isSdkPromise(value: unknown): value is SdkPromise {
  const promise = value as Partial<SdkPromise> | undefined
  return typeof promise?._thenUnwrap === 'function' && typeof promise.asResponse === 'function'
}

/**
 * Taps an SDK promise in place, without asking it for anything: the body is parsed when the caller
 * asks, once, and every promise derived from it stays an SDK promise with all its helpers.
 *
 * What the SDK's resource methods derive with `_thenUnwrap` comes from the parsing of this promise:
 * the observer stands first in that chain, and in this promise's own parsing.
 */
export function observePromise(promise: SdkPromise, observer: ResponseObserver): SdkPromise {
  const claim: Claim = { observer, made: false, answered: false, parsing: 0 }
  void promise.responsePromise?.then(
    (props) => {
      claim.answered = true
      observer.onAnswer?.(props.response)
      if (!claim.made) observer.onUnclaimed(props)
    },
    (error) => {
      observer.onFailed?.(error)
      // Unclaimed, the failure must surface as unhandled, as it does without a meter.
      if (!claim.made) throw error
    },
  )
  const { parseResponse, _thenUnwrap } = promise
  // SDK 7 gives each promise a _thenUnwrap of its own, which goes around its parseResponse.
  const parsesItself = Object.hasOwn(promise, '_thenUnwrap')
  const onData = (data: unknown): unknown => observer.onData(data)
  return tap(promise, claim, {
    parseResponse: (...args) => {
      const parsed = parseResponse.apply(promise, args)
      return isPromise(parsed) ? parsed.then(onData) : onData(parsed)
    },
    _thenUnwrap: (transform) =>
      derived(
        _thenUnwrap.call(
          promise,
          parsesItself ? (data, props) => transform(onData(data), props) : transform,
        ),
        claim,
      ),
  })
}

function derived(promise: SdkPromise, claim: Claim): SdkPromise {
  const { _thenUnwrap } = promise
  return tap(promise, claim, {
    _thenUnwrap: (transform) => derived(_thenUnwrap.call(promise, transform), claim),
  })
}

/** What has become of a request so far. */
interface Claim {
  readonly observer: ResponseObserver
  /** Somebody has asked for the response. */
  made: boolean
  /** The response has come, and it is no error. */
  answered: boolean
  /** Parsings under way. Of several, one gets the body, and the others fail before it has it. */
  parsing: number
}

/**
 * Watches the ways in which a promise is asked for its response, and replaces `more` of its methods.
 *
 * Never one by one: a closure that is assigned as `promise.parse = () => ...` outlives its promise
 * in V8, with all that it can reach, until the whole heap is collected. That took a third of the
 * time that metering a call takes.
 */
function tap(promise: SdkPromise, claim: Claim, more: Partial<SdkPromise>): SdkPromise {
  const { parse, asResponse, withResponse, _responseProps } = promise
  // The prototype's withResponse parses and asks for the raw response at once. That response is
  // the SDK's to read first. OpenAI 7 brings a withResponse of its own, which parses before.
  const isOwn = Object.hasOwn(promise, 'withResponse')
  const asked: Partial<SdkPromise> = {
    parse: () => {
      claim.made = true
      claim.parsing++
      return parse.call(promise).then(
        (data) => parsed(claim, data),
        (error) => broken(claim, error),
      )
    },
    asResponse: () => {
      claim.made = true
      return asResponse.call(promise).then((response) => claim.observer.onResponse(response))
    },
    withResponse: async () => {
      const untapped = { asResponse: { value: () => asResponse.call(promise) } }
      const self = isOwn ? promise : (Object.create(promise, untapped) as SdkPromise)
      const both = await withResponse.call(self)
      claim.observer.onBoth(both.response)
      return both
    },
  }
  const props: Partial<SdkPromise> | undefined = _responseProps && {
    _responseProps: () => {
      claim.made = true
      return _responseProps.call(promise).then((props) => {
        claim.observer.onResponse(props.response)
        return props
      })
    },
  }
  return Object.assign(promise, asked, props, more)
}

function parsed(claim: Claim, data: unknown): unknown {
  claim.parsing--
  const stored = claim.observer.stored()
  return stored === undefined ? data : stored.then(() => data)
}

function broken(claim: Claim, error: unknown): never {
  claim.parsing--
  if (claim.answered && claim.parsing === 0) claim.observer.onBroken()
  throw error
}
