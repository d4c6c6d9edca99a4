import type { Attributes, UsageRecord } from '../usage/usage-record.ts'
import { type UsageReading, unknownUsage } from '../wire/usage-reading.ts'
import type { TokenEstimate } from '../wire/token-estimate.ts'
import type { Call, Endpoint } from '../wire/endpoint.ts'
import { AskingCall, CallHold, type GuardSettings, jobMs, type UnrecordedEnd } from './call-hold.ts'
import { CallEstimates } from './call-estimates.ts'
import type { CompletedReading } from './completed-reading.ts'
import { isLinked, requestedModelOf } from './call-fields.ts'
import type { EstimatePolicy } from './estimates.ts'
import { jobHoldId } from './guard.ts'
import { mintRecordId } from '../usage/record-id.ts'
import type { RequestRewrite } from '../wire/protocol.ts'
import { type HttpHeaders, sdkHeaders } from '../wire/http-headers.ts'
import { isAnswerOfGateway } from './own-gateway.ts'
import type { ObservedParts, RecordedCall, RecordSink, StreamEnd } from './record-sink.ts'
import type { ResponseWatcher } from './registry.ts'
import { mayHaveArrived } from './sending-failure.ts'
import { showsModel, showsUsage } from './unknown-host.ts'

const none: readonly string[] = []

/** Who keeps the record of a call back, because the call may turn out to be a part of another. */
export interface RecordHolder {
  /** @returns false where it is recorded at once. */
  hold(call: ObservedCall, write: () => void): boolean
}

/**
 * One call under way: who pays is known, what it used is not yet. However often its response is
 * looked at, it is recorded once.
 */
export class ObservedCall implements RecordedCall, ResponseWatcher {
  readonly call: Call
  readonly endpoint: Endpoint
  readonly customer: string | null
  readonly attributes: Attributes
  /** Read at once: a body can be out of reach when the response comes, as a revoked draft is. */
  readonly requestedModel: string | null
  /** The provider bills it to an account of the customer's own, and so the meter does not. */
  readonly isLinked: boolean
  /** What the answer came with, where that was seen: it names the request. */
  headers: HttpHeaders | undefined
  /** What was changed about its request, so that the answer says what it used. */
  rewrite: RequestRewrite | undefined
  /** What its answer tells of other calls: it uses nothing itself then. */
  parts: ObservedParts | undefined
  /** Nobody knows the host: what its answer does not show is not billed (`unknown-host.ts`). */
  needsProof: boolean | 'usage' = false
  /** A call around this one may see the same response, and take it. */
  mayBeInside = false
  /** It goes to a gateway that meters it, should its answer say so, or certainly (`own-gateway.ts`). */
  ofGateway: boolean | 'certain' = false
  /** Keeps its record back until it is known whether a call around this one has the same answer. */
  holder: RecordHolder | undefined
  /**
   * The id of its record, the first where it has several, unless one is derived from what the provider says.
   * @default minted
   */
  recordId: string | undefined
  /** Its usage is kept in the outbox while its answer goes on. */
  keepsOpen = false
  openIds: readonly string[] = none
  /** Called with its records when they are handed to the outbox, priced: once, where it has any. May not throw. */
  onRecorded: ((records: readonly UsageRecord[]) => void) | undefined
  /** Set while an outbox that is not synchronous stores the usage: results wait for it. */
  stored: Promise<void> | undefined
  #ids: string[] | undefined
  #settled = false
  /** What a guard holds for it, until it has ended for that. */
  #hold: CallHold | undefined
  /** The work that ends with it, where another call has started that. */
  #endsJob: string | undefined
  readonly #sink: RecordSink
  readonly #policy: EstimatePolicy
  #estimates: CallEstimates | undefined
  readonly #guard: GuardSettings | undefined

  constructor(
    call: Call,
    endpoint: Endpoint,
    payer: { customer: string | null; attributes: Attributes },
    sink: RecordSink,
    policy: EstimatePolicy = { onInterrupted: 'estimate' },
    guard?: GuardSettings,
  ) {
    this.call = call
    this.endpoint = endpoint
    this.customer = payer.customer
    this.attributes = payer.attributes
    this.requestedModel = requestedModelOf(call)
    this.isLinked = policy.billLinked !== true && isLinked(call, endpoint)
    this.#sink = sink
    this.#policy = policy
    this.#guard = guard
  }

  /**
   * Asks the guard of the meter, where there is one, whether the call may be sent: before it is, and not for
   * what is free. Never throws.
   */
  ask(): void {
    if (this.#guard === undefined) return
    this.#hold = new CallHold(new AskingCall(this, this.#guard.pools), this.#guard)
  }

  /**
   * Set while it is not known whether the call may be sent. Whoever sends it waits for that; a rejection is
   * the error that the caller gets in place of an answer, and the call is dismissed.
   */
  get admission(): Promise<void> | undefined {
    return this.#hold?.admitted
  }

  /** Something may be held for it. */
  get isHeld(): boolean {
    return this.#hold !== undefined
  }

  /** A call that asks again for this one's response: the same customer pays, and settles what is held. */
  again(call: Call, endpoint: Endpoint): ObservedCall {
    const same = new ObservedCall(call, endpoint, this, this.#sink, this.#policy, this.#guard)
    same.#hold = this.#hold?.share()
    same.ofGateway = this.ofGateway
    return same
  }

  /** The same customer's next call, of a session that goes on: the guard is asked for it anew. */
  next(call: Call, endpoint: Endpoint): ObservedCall {
    const next = new ObservedCall(call, endpoint, this, this.#sink, this.#policy, this.#guard)
    next.ofGateway = this.ofGateway
    if (!next.ofGateway) next.ask()
    return next
  }

  /** The ids that its records are appended with; `undefined` where nothing was held. */
  get holdIds(): readonly string[] | undefined {
    const own = this.#policy.holdIds
    const held = this.guardHoldIds
    return own === undefined || held === undefined ? (own ?? held) : [...held, ...own]
  }

  /** Those of them that a guard has given. */
  get guardHoldIds(): readonly string[] | undefined {
    if (this.#hold !== undefined) return this.#hold.holdIds
    return this.#endsJob === undefined ? undefined : [jobHoldId(this.#endsJob)]
  }

  /** Who is told how the output of its stream grows; `undefined` where nobody wants to know. */
  get progress(): CallHold['progress'] {
    return this.#hold?.progress
  }

  idOf(index: number, at: number): string {
    if (!this.keepsOpen) return (index === 0 && this.recordId) || mintRecordId(at)
    const ids = (this.#ids ??= [])
    return (ids[index] ??= (index === 0 && this.recordId) || mintRecordId(at))
  }

  tellRecords(records: readonly UsageRecord[]): void {
    try {
      this.onRecorded?.(records)
    } catch (cause) {
      this.#sink.fault('the records of a call could not be told to whoever observes it', cause)
    }
  }

  /** Its records were handed to the outbox. */
  recorded(): void {
    this.#hold?.settled()
    this.#hold = undefined
  }

  /** It has started work that goes on, which is known by this name. */
  startsJob(name: string): void {
    this.#hold?.keep(name, jobMs(this.call, this.endpoint))
  }

  /** Its answer shows that the work of this name has ended. */
  endsJob(name: string): void {
    if (this.#guard !== undefined && this.#hold === undefined) this.#endsJob = name
  }

  #endHold(end: UnrecordedEnd): void {
    const job = this.#endsJob
    const hold = this.#hold
    this.#hold = undefined
    this.#endsJob = undefined
    hold?.ended(end)
    if (job === undefined) return
    try {
      this.#guard?.guard.ended?.({ name: job })
    } catch (cause) {
      this.#sink.fault('what is held for a job could not be told that it has ended', cause)
    }
  }

  get settled(): boolean {
    return this.#settled
  }

  /** The whole response has been seen. */
  respond(response: unknown): void {
    this.headers ??= sdkHeaders(response)
    if (this.parts !== undefined) return this.#respondInParts(this.parts, response)
    this.#settleWith(() => {
      const readings = this.endpoint.read(response, this.call, this.headers)
      const output = () => {
        const estimate = this.newEstimate()
        this.endpoint.estimateOutput(response, estimate)
        return estimate
      }
      if (!this.#isShown(readings, output)) return []
      return this.#estimating.complete(readings, 'complete', { output, headers: this.headers })
    })
  }

  #isShown(readings: readonly UsageReading[], output: () => TokenEstimate): boolean {
    if (this.needsProof === 'usage') return showsUsage(readings)
    return !this.needsProof || showsModel(readings, output)
  }

  #respondInParts(parts: ObservedParts, response: unknown): void {
    if (this.#settled) return
    this.#settled = true
    try {
      parts.see(response)
      parts.ended()
    } catch (cause) {
      this.#sink.fault(`the answer of a call of ${this.endpoint.name} could not be read`, cause)
    }
    this.stored = parts.stored
    this.#endHold('released')
  }

  /** A stream has ended, with what its reader found until then. */
  end(readings: readonly UsageReading[], end: StreamEnd, output: TokenEstimate): void {
    if (!this.#isShown(readings, () => output)) return this.dismiss()
    const { headers } = this
    this.#settleWith(() =>
      this.#estimating.complete(readings, end, { output: () => output, headers }),
    )
  }

  /** Its stream goes on, with what its reader has found by now. */
  keep(readings: readonly UsageReading[], end: StreamEnd, output: TokenEstimate): void {
    if (this.#settled || !this.#isShown(readings, () => output)) return
    this.#sink.keep(this, this.#estimating.soFar(readings, end, { output, headers: this.headers }))
  }

  get #estimating(): CallEstimates {
    const make = (): CallEstimates => new CallEstimates(this, this.#policy, this.#sink)
    // Calls are many, and live as long as their answers: what is not needed again is not kept.
    return this.keepsOpen ? (this.#estimates ??= make()) : make()
  }

  /** Counts text of this call. */
  newEstimate(): TokenEstimate {
    return this.#estimating.newEstimate()
  }

  /**
   * The caller is done and the usage is not: the rest of the response is read in the background until
   * the promise has ended. A flush or close waits for that within its own time; it does not keep the
   * process alive.
   */
  trackPending(read: Promise<unknown>): void {
    this.#sink.trackPending(read)
  }

  /** A gateway meters it. */
  get isMeteredThere(): boolean {
    const { ofGateway, headers } = this
    return ofGateway === 'certain' || (ofGateway && isAnswerOfGateway(headers))
  }

  /**
   * Nobody will ever read the response to its end.
   *
   * @param part what is known of it: its words are counted, and no more. @default only the request is known
   */
  abandon(part?: unknown): void {
    if (this.parts !== undefined || this.needsProof) this.dismiss()
    if (this.#settled) return
    const output = this.newEstimate()
    try {
      if (part !== undefined) this.endpoint.estimateOutput(part, output)
    } catch {
      // What it said until then is counted.
    }
    this.end([unknownUsage()], 'interrupted', output)
  }

  /**
   * Settles the call later, with what `write` does, or when the meter or the process ends: something
   * better may come.
   * @returns how to cancel that.
   */
  defer(write: () => void, forMs: number): () => void {
    return this.#sink.defer(write, forMs)
  }

  /** The response was dropped without being read. */
  dropped(): void {
    this.abandon()
  }

  /** The response is not to be billed, or not by this call: what is held for it is given back. */
  dismiss(): void {
    this.#settled = true
    if (this.openIds.length > 0) this.#sink.keep(this, [])
    this.#endHold('released')
  }

  /** Nobody knows whether it was answered: nothing is recorded, and what is held for it stays a while. */
  lost(): void {
    this.#settled = true
    this.#endHold('lost')
  }

  /** It was sent, or was to be, and has failed with an error in place of an answer. */
  failed(error: unknown): void {
    if (this.isHeld && mayHaveArrived(error)) this.lost()
    else this.dismiss()
  }

  /** Tells the application what could not be read; what could is recorded all the same. */
  report(what: string): void {
    this.#sink.fault(what, undefined)
  }

  /** The meter failed: the call is recorded as one that was cut off, and the fault is reported. */
  fault(what: string, cause?: unknown): void {
    this.#sink.fault(what, cause)
    this.abandon()
  }

  #settleWith(readings: () => readonly CompletedReading[]): void {
    if (this.#settled) return
    if (this.isMeteredThere) return this.dismiss()
    this.#settled = true
    try {
      const completed = readings()
      const write = (): void => {
        this.stored = this.#sink.record(this, completed) ?? undefined
      }
      if (this.holder?.hold(this, write) !== true) write()
    } catch (cause) {
      this.#sink.fault(`the usage of a call of ${this.endpoint.name} could not be read`, cause)
      // It was answered, and may be owed.
      this.#endHold('lost')
    }
  }
}
