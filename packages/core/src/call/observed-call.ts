import { type TokenType, tokenTypes } from '../usage/token-counts.ts'
import { TokenEstimate } from '../usage/token-estimate.ts'
import type { UsageOutcome } from '../usage/usage-record.ts'
import { unknownUsage, type UsageReading } from '../usage/usage-reading.ts'
import type { Attributes } from '../usage/usage-record.ts'
import { readableFields } from './body-snapshot.ts'
import type { Call } from './call.ts'
import type { Endpoint } from './endpoint.ts'
import type { EstimatePolicy } from './estimate-policy.ts'
import type { CompletedReading, RecordSink } from './record-sink.ts'
import type { ResponseWatcher } from './when-dropped.ts'

/** How a stream ended, as the caller saw it. */
export type StreamEnd = 'complete' | 'interrupted' | 'failed'

/**
 * One call under way: who pays is known, what it used is not yet. However often its response is
 * looked at, it is recorded once.
 */
export class ObservedCall implements ResponseWatcher {
  readonly call: Call
  readonly endpoint: Endpoint
  readonly customer: string | null
  readonly attributes: Attributes
  /** Read at once: a body can be out of reach when the response comes, as a revoked draft is. */
  readonly requestedModel: string | null
  /** The provider bills it to an account of the customer's own, and so the meter does not. */
  readonly isLinked: boolean
  /** Set while an outbox that is not synchronous stores the usage: results wait for it. */
  stored: Promise<void> | undefined
  #settled = false
  readonly #sink: RecordSink
  readonly #policy: EstimatePolicy

  constructor(
    call: Call,
    endpoint: Endpoint,
    payer: { customer: string | null; attributes: Attributes },
    sink: RecordSink,
    policy: EstimatePolicy = { onInterrupted: 'estimate' },
  ) {
    this.call = call
    this.endpoint = endpoint
    this.customer = payer.customer
    this.attributes = payer.attributes
    this.requestedModel = requestedModelOf(call)
    this.isLinked = policy.billLinked !== true && isLinked(call, endpoint)
    this.#sink = sink
    this.#policy = policy
  }

  /** A call that asks again for this one's response: the same customer pays. */
  again(call: Call, endpoint: Endpoint): ObservedCall {
    return new ObservedCall(call, endpoint, this, this.#sink, this.#policy)
  }

  get settled(): boolean {
    return this.#settled
  }

  /** The whole response has been seen. */
  respond(response: unknown): void {
    this.#settleWith(() => {
      const readings = this.endpoint.read(response, this.call)
      return this.#complete(readings, 'complete', () => {
        const output = this.newEstimate()
        this.endpoint.estimateOutput(response, output)
        return output
      })
    })
  }

  /** A stream has ended, with what its reader found until then. */
  end(readings: readonly UsageReading[], end: StreamEnd, output: TokenEstimate): void {
    this.#settleWith(() =>
      this.#complete(readings, end === 'complete' ? 'complete' : 'partial', () => output),
    )
  }

  /** Counts text of this call. */
  newEstimate(): TokenEstimate {
    const { count } = this.#policy
    const model = this.requestedModel ?? ''
    return new TokenEstimate(model, count && ((text) => count(text, model)))
  }

  /**
   * The caller is done and the usage is not: what is left of the response is read behind his back
   * until the promise has ended. A flush or close waits for that within its own time; it does not
   * keep the process alive.
   */
  expect(coming: Promise<unknown>): void {
    this.#sink.expect(coming)
  }

  /** Nobody will ever read the response: only the request is known. */
  abandon(): void {
    if (!this.#settled) this.end([unknownUsage()], 'interrupted', this.newEstimate())
  }

  /**
   * Settles the call later, with what `write` does, or when the meter or the process ends: something
   * better may come. Answers how to take that back.
   */
  hold(write: () => void, forMs: number): () => void {
    return this.#sink.hold(write, forMs)
  }

  /** The response was dropped without being read. */
  dropped(): void {
    this.abandon()
  }

  /** The response is not to be billed, or not by this call. */
  dismiss(): void {
    this.#settled = true
  }

  /** The meter failed: the call is recorded as one that was cut off, and the fault is reported. */
  fault(what: string, cause: unknown): void {
    this.#sink.fault(what, cause)
    this.abandon()
  }

  #settleWith(readings: () => readonly CompletedReading[]): void {
    if (this.#settled) return
    this.#settled = true
    try {
      this.stored = this.#sink.keep(this, readings()) ?? undefined
    } catch (cause) {
      this.#sink.fault(`the usage of a call of ${this.endpoint.name} could not be read`, cause)
    }
  }

  #complete(
    readings: readonly UsageReading[],
    known: UsageOutcome,
    output: () => TokenEstimate,
  ): readonly CompletedReading[] {
    const interrupted = known === 'partial'
    return readings.map((reading) => {
      const { input, cachedInput = 0, cachedWrite = 0, output: outputTokens } = reading.tokens
      if (input !== undefined && outputTokens !== undefined) {
        const tokens = { input, cachedInput, cachedWrite, output: outputTokens }
        return { reading, tokens, outcome: known, estimated: [], interrupted }
      }
      if (interrupted && this.#policy.onInterrupted === 'partial-only') {
        const tokens = { input: input ?? 0, cachedInput, cachedWrite, output: outputTokens ?? 0 }
        const unknown = unknownCounts(reading)
        return { reading, tokens, outcome: 'partial', estimated: [], unknown, interrupted }
      }
      const tokens = {
        input: input ?? this.#estimateInput(),
        cachedInput,
        cachedWrite,
        output: outputTokens ?? output().tokens,
      }
      const estimated = [
        ...(input === undefined ? (['input'] as const) : []),
        ...(outputTokens === undefined ? (['output'] as const) : []),
      ]
      return { reading, tokens, outcome: 'estimated', estimated, interrupted }
    })
  }

  #estimateInput(): number {
    const estimate = this.newEstimate()
    try {
      this.endpoint.estimateInput(readableFields(this.call.body), estimate)
    } catch (cause) {
      this.#sink.fault(`the input of a call of ${this.endpoint.name} could not be estimated`, cause)
    }
    return estimate.tokens
  }
}

function requestedModelOf({ body }: Call): string | null {
  try {
    // Read once: behind a getter it may be for the SDK to read.
    const { model } = body
    return typeof model === 'string' ? model : null
  } catch {
    return null
  }
}

function isLinked(call: Call, endpoint: Endpoint): boolean {
  try {
    return endpoint.isLinked?.(call) === true
  } catch {
    return false
  }
}

/**
 * What the provider did not say. Cached tokens are a part of all the input: a provider that gave
 * the input and no cached tokens has none.
 */
function unknownCounts({ tokens }: UsageReading): readonly TokenType[] {
  return tokenTypes
    .filter(({ count }) => tokens[count] === undefined)
    .filter(({ count }) => count === 'output' || tokens.input === undefined)
    .map(({ type }) => type)
}
