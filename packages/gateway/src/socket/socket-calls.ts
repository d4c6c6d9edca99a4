/**
 * What is used over one socket, call by call: each response, or turn, is one of its own.
 *
 *     asked for by the caller ──> rates, guard ──> passed on ──> begun ──> ended, recorded
 *                                    └─> refused: not passed on
 *     said unasked, as to somebody who has stopped to speak ──> begun; where a rate or the guard would refuse
 *                                    it, the socket is closed
 */
import {
  handleRejection,
  type ObservedCall,
  RefusedSession,
  type RequestObservation,
  untilAdmitted,
} from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/outbox'
import type { Call, Endpoint } from '@token-meter/core/wire'
import type { EnteredRequest } from '../caller.ts'

export interface SocketCallsOptions {
  readonly observation: RequestObservation
  readonly provider: string
  /** A response begins. @throws what a rate refuses it with. */
  readonly enter: () => EnteredRequest | Promise<EnteredRequest>
  /** Records of the socket are handed to the outbox. */
  readonly recorded: (records: readonly UsageRecord[]) => void
  /** Ends the socket, because of what it has used. */
  readonly close: (code: number, reason: string) => void
  readonly fault: (what: string, cause: unknown) => void
}

/** What a message of the caller's asks for. */
export interface AskedCall {
  readonly endpoint: Endpoint
  readonly body: Call['body']
}

/** A call that may begin, and has not. */
interface AdmittedCall {
  readonly call: ObservedCall
  readonly entered: EnteredRequest
  /** The caller's own name of the message, by which an error names it. */
  readonly messageId: unknown
}

/** A call that has begun, and what it counts against. */
interface OpenCall {
  entered: EnteredRequest | undefined
  tokens: number | undefined
}

export class SocketCalls {
  readonly #options: SocketCallsOptions
  readonly #session: ObservedCall
  readonly #refused: RefusedSession
  readonly #admitted: AdmittedCall[] = []
  readonly #open = new Map<ObservedCall, OpenCall>()
  #isOver = false

  /** @throws MissingCustomerError where the meter refuses calls that nobody pays for. */
  constructor(options: SocketCallsOptions, endpoint: Endpoint, model: string | undefined) {
    this.#options = options
    const body = model === undefined ? {} : { model }
    this.#session = options.observation.session(this.#call({ endpoint, body }), endpoint)
    const fault = (what: string, cause: unknown) => options.observation.fault(what, cause)
    this.#refused = new RefusedSession(fault, options.close)
  }

  /** What a guard holds for all of it. */
  get guardHoldIds(): readonly string[] {
    const admitted = this.#admitted.map(({ call }) => call)
    return [...admitted, ...this.#open.keys()].flatMap(({ guardHoldIds }) => guardHoldIds ?? [])
  }

  /** Something is under way. */
  get isBusy(): boolean {
    return this.#open.size > 0 || this.#admitted.length > 0
  }

  /**
   * Whether the caller could pay for a call: nothing is held for it afterwards.
   * @throws the refusal of the guard.
   */
  async probe(asked: AskedCall, signal: AbortSignal): Promise<void> {
    const call = this.#session.next(this.#call(asked), asked.endpoint)
    await untilAdmitted(call, signal)
    call.dismiss()
  }

  /** The caller asks for a call. @throws the refusal of a rate, or of the guard: it is not to be passed on. */
  async ask(asked: AskedCall, messageId: unknown): Promise<void> {
    const entered = await this.#options.enter()
    const call = this.#session.next(this.#call(asked), asked.endpoint)
    try {
      await untilAdmitted(call)
    } catch (refusal) {
      this.#leave(entered, undefined)
      throw refusal
    }
    const admitted = { call, entered, messageId }
    if (this.#isOver) this.#giveBack(admitted)
    else this.#admitted.push(admitted)
  }

  /** The upstream refuses what was asked for. @param messageId whose message it names, if it names one. */
  refused(messageId: unknown): void {
    const index =
      typeof messageId === 'string'
        ? this.#admitted.findIndex((each) => each.messageId === messageId)
        : 0
    const [refused] = index < 0 ? [] : this.#admitted.splice(index, 1)
    if (refused !== undefined) this.#giveBack(refused)
  }

  /** A call begins, as it was asked for or unasked. */
  begin(call: Call, endpoint: Endpoint): ObservedCall {
    const index = this.#admitted.findIndex((each) => each.call.endpoint.name === endpoint.name)
    const [admitted] = index < 0 ? [] : this.#admitted.splice(index, 1)
    if (admitted === undefined) return this.#beginUnasked(call, endpoint)
    const begun = admitted.call.again(call, endpoint)
    // What is held for it is held for the one that has begun.
    admitted.call.dismiss()
    this.#follow(begun, { entered: admitted.entered, tokens: undefined })
    return begun
  }

  #beginUnasked(call: Call, endpoint: Endpoint): ObservedCall {
    const begun = this.#refused.watch(this.#session.next(call, endpoint))
    const open: OpenCall = { entered: undefined, tokens: undefined }
    this.#follow(begun, open)
    const entered = (request: EnteredRequest): void => {
      if (this.#open.get(begun) === open) open.entered = request
      else this.#leave(request, open.tokens)
    }
    try {
      const entering = this.#options.enter()
      if (!(entering instanceof Promise)) entered(entering)
      else entering.then(entered, (refusal: unknown) => this.#refused.refuse(refusal))
    } catch (refusal) {
      this.#refused.refuse(refusal)
    }
    return begun
  }

  /** The guard ends what is under way. */
  stop(reason: unknown): void {
    this.#refused.refuse(reason)
  }

  /** What has ended by now counts. @returns until when its usage is not safe yet. */
  settle(): Promise<unknown> | undefined {
    let stored: Promise<void>[] | undefined
    for (const [call, { entered, tokens }] of this.#open) {
      if (!call.settled) continue
      this.#open.delete(call)
      if (entered !== undefined) this.#leave(entered, tokens)
      if (call.stored !== undefined) (stored ??= []).push(call.stored)
    }
    return stored && Promise.all(stored)
  }

  /** The socket is over, and all of it has been seen. */
  over(): Promise<unknown> | undefined {
    this.#isOver = true
    for (const admitted of this.#admitted.splice(0)) this.#giveBack(admitted)
    const stored = this.settle()
    // Of a call that may be taken up again, the end is written by itself.
    for (const { entered, tokens } of this.#open.values()) {
      if (entered !== undefined) this.#leave(entered, tokens)
    }
    this.#open.clear()
    this.#session.dismiss()
    return stored
  }

  #call({ endpoint, body }: AskedCall): Call {
    return { provider: this.#options.provider, endpoint: endpoint.name, method: 'GET', body }
  }

  #follow(call: ObservedCall, open: OpenCall): void {
    this.#open.set(call, open)
    call.keepsOpen = true
    call.onRecorded = (records) => {
      for (const { tokens } of records) {
        const all = tokens.input + tokens.cachedInput + tokens.cachedWrite + tokens.output
        open.tokens = (open.tokens ?? 0) + all
      }
      this.#options.recorded(records)
    }
  }

  #giveBack({ call, entered }: AdmittedCall): void {
    call.dismiss()
    this.#leave(entered, undefined)
  }

  #leave(entered: EnteredRequest, tokens: number | undefined): void {
    try {
      handleRejection(entered.leave(tokens))
    } catch (cause) {
      this.#options.fault('a response that is over could not be counted out', cause)
    }
  }
}
