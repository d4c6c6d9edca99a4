/**
 * For whoever sees requests as bytes and passes them on, such as a gateway: what a request asks for, and the
 * call that it is. From there on the way is that of a `fetch`: `untilAdmitted`, `rewrite.apply`, `observeBody`.
 */
import type { Call, Endpoint } from '../../wire/endpoint.ts'
import type { WireOperation, WireProtocol, WireRequest } from '../../wire/protocol.ts'
import type { ObservedCall } from '../observed-call.ts'
import type { Customer } from '../customer.ts'
import type { CallObserver, ObservingOptions } from '../provider.ts'
import { Recognition } from './recognition.ts'

/** Where requests are passed on to, which is known: it is no guess that models are asked there. */
export interface UpstreamTarget {
  /** What the path of a request stands below, where the request has no whole address: the base URL. */
  readonly url: string
  /**
   * The API that it speaks, by the name of its protocol (`openai`, `anthropic`, `google`, ...): that one goes
   * first, the one that nearly everybody speaks next, then the others of the meter.
   */
  readonly protocol: string
  /** Who serves it. @default who the host says, then the name of the protocol */
  readonly provider?: string | undefined
}

/** Says what the requests of one caller are, each of which is paid for as the observation was made. */
export interface RequestObservation {
  /**
   * What a request asks for. Has no effect: a request that was opened need not be sent, nor begun. Its body
   * is what the caller has written, decoded; where it is left out, method and address decide.
   *
   * @returns `'unmetered'` for what costs something that no answer tells, which is reported once;
   * `undefined` for what no protocol of the meter knows.
   */
  open(request: WireRequest, target: UpstreamTarget): OpenedRequest | 'unmetered' | undefined
  /** True for a request that is no operation and is known to bill nothing. */
  isFree(request: WireRequest, target: UpstreamTarget): boolean
  /**
   * A call that no request of its own asks for: of a session that goes on over a socket. No guard is asked for it,
   * but for each call that follows it (`ObservedCall.next`). Its records have ids of their own.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  session(call: Call, endpoint: Endpoint): ObservedCall
  /** Reports a fault of the observation to the application. Never throws. */
  fault(what: string, cause?: unknown): void
}

/** A request that costs something, or asks for what another has cost. */
export interface OpenedRequest {
  readonly operation: WireOperation<ObservedCall>
  /**
   * It is about to be sent: who pays is found out now, and the guard is asked. Once.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin(): ObservedCall
}

/** Observes requests that a customer pays for. @throws TypeError for an empty customer; ConfigError for a wrong option. */
export type Observing = (customer: Customer, options?: ObservingOptions) => RequestObservation

/** Where a meter has its own; the same in every copy of core. */
export const observingKey: unique symbol = Symbol.for('token-meter.observing') as never

/** What requests are observed with. */
export interface RequestSettings {
  readonly observer: CallObserver
  readonly protocols: readonly WireProtocol[]
  readonly provider?: string | undefined
  readonly includeUsage?: boolean | undefined
  /** Done with each call that a request begins. */
  begun(call: ObservedCall): void
}

/** Never throws but for what `begin` says. */
export function requestObservation(settings: RequestSettings): RequestObservation {
  const { observer, begun } = settings
  const recognition = new Recognition(settings)
  return {
    open(request, target) {
      const whole = wholeRequest(request, target)
      try {
        const opened = recognition.open(whole, target)
        if (opened === undefined || opened === 'unmetered') return opened
        const { operation, context } = opened
        return {
          operation,
          begin() {
            const call = context.begin(operation, request.method.toUpperCase())
            begun(call)
            return call
          },
        }
      } catch (cause) {
        observer.fault('a request could not be read', cause)
        return undefined
      }
    },
    isFree(request, target) {
      try {
        return recognition.isFree(wholeRequest(request, target), target.protocol)
      } catch (cause) {
        observer.fault('a request could not be read', cause)
        return false
      }
    },
    session: (call, endpoint) => observer.begin(call, endpoint, { isSent: true }),
    fault: (what, cause) => observer.fault(what, cause),
  }
}

function wholeRequest(request: WireRequest, { url: base }: UpstreamTarget): WireRequest {
  const { method, url, headers, body } = request
  if (URL.canParse(url)) return request
  return { method, headers, body, url: `${base.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` }
}
