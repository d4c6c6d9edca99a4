import type {
  AnswerPart,
  AnswerParts,
  JobStore,
  WireContext,
  WireOperation,
  WireProtocol,
} from '../wire/protocol.ts'
import { CallJobs, jobMemory } from './job-memory.ts'
import type { ObservedCall } from './observed-call.ts'
import type { ObservedParts } from './record-sink.ts'
import { isOfGateway } from './own-gateway.ts'
import type { CallObserver } from './provider.ts'

/** Where a request goes, as far as whoever sends it knows. */
export interface RequestTarget extends Omit<WireContext, 'jobs' | 'warn'> {
  /** Nobody knows the host: the answers have to show that a model was asked. @default false */
  readonly needsProof?: boolean
  /** Where it goes, where no base URL says so: an address, or a base URL. */
  readonly address?: string | undefined
}

/**
 * Follows an answer that tells of several calls: each is begun when it shows, and settled at once.
 * Whoever reads the answer waits for `stored`.
 */
export class PartsObservation implements ObservedParts {
  /** Set while the usage of what was seen so far is being stored. */
  stored: Promise<void> | undefined
  readonly #context: RequestContext
  readonly #parts: AnswerParts<ObservedCall>
  readonly #whole: () => ObservedCall
  #index = 0

  /** @param whole the call that asked for the answer, begun when somebody needs it. */
  constructor(
    context: RequestContext,
    parts: AnswerParts<ObservedCall>,
    whole: () => ObservedCall,
  ) {
    this.#context = context
    this.#parts = parts
    this.#whole = whole
  }

  /** Looks at the whole answer, or at the next line of it. */
  see(json: unknown): void {
    for (const part of this.#parts.of(json, this.#index++)) {
      const call = this.#context.beginPart(part, this.#whole)
      call.respond(part.answer)
      if (call.stored === undefined) continue
      const stored = this.stored === undefined ? [call.stored] : [this.stored, call.stored]
      this.stored = Promise.all(stored).then(() => undefined)
    }
  }

  /** Counts a line that is no JSON. */
  skip(): void {
    this.#index++
  }

  ended(): void {
    this.#parts.ended?.()
  }
}

/**
 * What one request is opened and begun with: the same for a client of an SDK, a `fetch` and a proxy.
 * It is the protocol's view of the request, and knows the call once it has begun.
 */
export class RequestContext implements WireContext<ObservedCall> {
  readonly baseUrl: string | undefined
  readonly provider: string
  readonly includeUsage: boolean | undefined
  readonly apiVersion: string | undefined
  readonly #protocol: WireProtocol
  readonly #observer: CallObserver
  readonly #needsProof: boolean
  readonly #ofGateway: boolean
  #call: ObservedCall | undefined

  constructor(protocol: WireProtocol, observer: CallObserver, target: RequestTarget) {
    this.baseUrl = target.baseUrl
    this.provider = target.provider
    this.includeUsage = target.includeUsage
    this.apiVersion = target.apiVersion
    this.#needsProof = target.needsProof === true
    this.#ofGateway = isOfGateway(target.baseUrl ?? target.address)
    this.#protocol = protocol
    this.#observer = observer
  }

  jobs(kind: string): JobStore<ObservedCall> {
    return new CallJobs(jobMemory(this.#protocol.name, kind), () => this.#call)
  }

  warn(message: string): void {
    this.#observer.fault(message)
  }

  /**
   * A request is about to be sent: who pays is found out now.
   * @param isSent it has been sent already.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin(operation: WireOperation<ObservedCall>, method: string, isSent = false): ObservedCall {
    const { endpoint, body, free = false, startsJob, creator, rewrite, parts } = operation
    const call = { provider: this.provider, endpoint: endpoint.name, method, body }
    const observed =
      creator?.again(call, endpoint) ??
      this.#observer.begin(call, endpoint, {
        free: free || this.#ofGateway,
        isSent,
        startsJob: startsJob === true && !this.#ofGateway,
      })
    observed.ofGateway = this.#ofGateway
    observed.rewrite = rewrite
    observed.needsProof = this.#needsProof
    observed.parts = parts && new PartsObservation(this, parts, () => observed)
    this.#call = observed
    return observed
  }

  /**
   * A call that the answer of another tells of.
   * @param whole the call with that answer: it pays for a part for which nobody else is known.
   */
  beginPart(part: AnswerPart<ObservedCall>, whole: () => ObservedCall): ObservedCall {
    const { endpoint, creator, body } = part
    let call: ObservedCall | undefined
    if (creator !== undefined || body !== undefined) {
      const operation = { endpoint, creator, body: body ?? creator?.call.body ?? {} }
      call = this.begin({ ...operation, free: true }, creator?.call.method ?? 'GET')
    }
    if (call === undefined || (creator === undefined && call.customer === null)) {
      const asked = whole()
      call = asked.again(
        { ...asked.call, endpoint: endpoint.name, body: body ?? asked.call.body },
        endpoint,
      )
      call.needsProof = this.#needsProof
    }
    if (this.#ofGateway && whole().isMeteredThere) call.ofGateway = 'certain'
    this.#call = call
    return call
  }
}
