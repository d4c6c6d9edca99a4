/**
 * What a guard holds for one call, from the question on. The states:
 *
 *     asked ──> refused: the call is not sent
 *           └─> open ──> settled: records of the call were handed to the outbox, with the ids
 *                    ├─> released: nothing is owed
 *                    ├─> lost: nobody knows; its lease ends it
 *                    └─> kept ──> settled, or released: the work that the call has started has ended
 *
 * Several calls can share one hold: attempts of a middleware, a job and whoever asks for it again, the parts
 * of an answer. The first of them with records settles it; otherwise it ends with the last of them. A call
 * that ends while the guard is still asked gives back what comes.
 */
import { handleRejection } from '../lib/promises.ts'
import { readableFields } from '../wire/request-body.ts'
import type { CallBounds } from '../wire/call-bounds.ts'
import type { Call, Endpoint } from '../wire/endpoint.ts'
import { TokenEstimate } from '../wire/token-estimate.ts'
import type { Attributes } from '../usage/usage-record.ts'
import type { Admission, Guard, GuardedCall } from './guard.ts'

/** What is asked of a guard. */
export interface GuardSettings {
  readonly guard: Guard
  readonly pools: readonly string[]
  /** Told what an admission throws, which it may not. */
  readonly fault: (what: string, cause: unknown) => void
}

/** What is told of a hold. Of one that was kept, only that it is given back. */
type HoldEnds = Partial<Admission> & Pick<Admission, 'holdIds'>

/** How a call ends that has no record. */
export type UnrecordedEnd = 'released' | 'lost'

export class CallHold {
  /** Set until the guard has answered, where it needs time: nothing may be sent before. */
  readonly admitted: Promise<void> | undefined
  readonly #settings: GuardSettings
  #admission: HoldEnds | undefined
  /** Calls that share it and have not ended. */
  #open = 1
  #isLost = false
  #isKept = false
  #isOver = false

  /** @throws never: a refusal is the rejection of `admitted`. */
  constructor(call: GuardedCall, settings: GuardSettings) {
    this.#settings = settings
    try {
      const answer = settings.guard.admit(call)
      if (!handleRejection(answer)) this.#admission = answer as Admission | undefined
      else {
        this.admitted = (answer as Promise<Admission | undefined>).then((admission) =>
          this.#arrived(admission),
        )
      }
    } catch (refusal) {
      this.admitted = Promise.reject(refusal)
    }
    // Whoever sends awaits it; a call that is never sent does not.
    handleRejection(this.admitted)
  }

  /** What records settle it by. */
  get holdIds(): readonly string[] {
    return this.#admission?.holdIds ?? []
  }

  /** Another call ends it too. */
  share(): this {
    this.#open++
    return this
  }

  /** Records of one of its calls were handed to the outbox, with its ids. */
  settled(): void {
    this.#open--
    if (this.#isOver) return
    // Before the guard has answered, the records have no hold: what comes is given back.
    if (this.#admission !== undefined) this.#isOver = true
    this.#tell((admission) => admission.settled?.())
  }

  /** One of its calls has ended without a record. */
  ended(end: UnrecordedEnd): void {
    this.#open--
    if (end === 'lost') this.#isLost = true
    if (this.#open > 0 || this.#isOver || this.#admission === undefined) return
    this.#giveBack(this.#admission)
  }

  /** The work that one of its calls has started goes on. */
  keep(name: string, forMs: number): void {
    if (this.#isOver || this.#isKept) return
    this.#isKept = true
    this.#tell((admission) => admission.keep?.({ name, forMs }))
    // What the guard knows of the call, such as its request, is not remembered as long as the job.
    const { holdIds } = this
    this.#admission &&= { holdIds, release: () => this.#settings.guard.ended?.({ name }) }
  }

  /** What is told of the output of a stream; `undefined` where nobody wants to know. */
  get progress(): ((outputTokens: number) => undefined | Promise<void>) | undefined {
    const admission = this.#admission
    if (admission?.progress === undefined || this.#isOver) return undefined
    return (tokens) => admission.progress?.(tokens)
  }

  #arrived(admission: Admission | undefined): void {
    this.#admission = admission
    if (admission !== undefined && this.#open <= 0) this.#giveBack(admission)
  }

  #giveBack(admission: HoldEnds): void {
    this.#isOver = true
    this.#tell(() => (this.#isLost ? admission.lost?.() : admission.release?.()))
  }

  #tell(what: (admission: HoldEnds) => void): void {
    if (this.#admission === undefined) return
    try {
      what(this.#admission)
    } catch (cause) {
      this.#settings.fault('what is held for a call could not be told how it ended', cause)
    }
  }
}

/** What of a call a guard is shown. */
interface AskedCall {
  readonly call: Call
  readonly endpoint: Endpoint
  readonly customer: string | null
  readonly attributes: Attributes
  readonly requestedModel: string | null
  readonly isLinked: boolean
}

/** A call as its guard sees it. Of the call itself it keeps nothing else. */
export class AskingCall implements GuardedCall {
  readonly call: Call
  readonly customer: string | null
  readonly attributes: Attributes
  readonly model: string | null
  readonly pools: readonly string[]
  readonly isLinked: boolean
  readonly #endpoint: Endpoint

  constructor(asked: AskedCall, pools: readonly string[]) {
    this.call = asked.call
    this.customer = asked.customer
    this.attributes = asked.attributes
    this.model = asked.requestedModel
    this.pools = pools
    this.isLinked = asked.isLinked
    this.#endpoint = asked.endpoint
  }

  bounds(): CallBounds {
    return boundsOf(this.call, this.#endpoint)
  }

  likelyInput(): number {
    return likelyInput(this.call, this.#endpoint, this.model)
  }
}

/** About how many tokens the input of a call has: no tokenizer runs. Never throws. */
export function likelyInput(call: Call, endpoint: Endpoint, model: string | null): number {
  const estimate = new TokenEstimate(model ?? '').roughly()
  try {
    endpoint.estimateInput(readableFields(call.body), estimate)
  } catch {
    // What could be read counts.
  }
  return estimate.tokens
}

/** How long the work that a call starts can go on, in ms. */
export function jobMs(call: Call, endpoint: Endpoint): number {
  const { jobForMs = defaultJobMs } = boundsOf(call, endpoint)
  // The provider's clock, and whoever asks for the end, may be late.
  return jobForMs + jobGraceMs
}

/** Where the provider says nothing of it, in ms. */
const defaultJobMs = 24 * 60 * 60 * 1000
const jobGraceMs = 60 * 60 * 1000

/** The most that a call can use, as its endpoint reads it. Never throws. */
function boundsOf(call: Call, endpoint: Endpoint): CallBounds {
  try {
    const body = readableFields(call.body)
    const bounds = endpoint.bounds?.(body, call) ?? unknownBounds
    const isRead = Object.keys(body).length === Object.keys(call.body).length
    const isEmpty = Object.keys(body).length === 0
    if ((isRead && !isEmpty) || bounds.beyond.includes('unread')) return bounds
    return { ...bounds, beyond: [...bounds.beyond, 'unread'] }
  } catch {
    // Out of reach, as the draft of a body that was revoked is.
    return { ...unknownBounds, beyond: ['unread'] }
  }
}

const unknownBounds: CallBounds = {
  inputBytes: 0,
  maxOutput: undefined,
  answers: 1,
  beyond: ['unknown'],
  cacheWrites: false,
  noOutput: false,
}
