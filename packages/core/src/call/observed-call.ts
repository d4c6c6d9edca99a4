import { TokenEstimate } from '../usage/token-estimate.ts'
import type { UsageOutcome } from '../usage/usage-record.ts'
import { unknownUsage, type UsageReading } from '../usage/usage-reading.ts'
import type { Attributes } from '../usage/usage-record.ts'
import type { Call } from './call.ts'
import type { Endpoint } from './endpoint.ts'
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
  /** Set while an outbox that is not synchronous stores the usage: results wait for it. */
  stored: Promise<void> | undefined
  #settled = false
  readonly #sink: RecordSink

  constructor(
    call: Call,
    endpoint: Endpoint,
    payer: { customer: string | null; attributes: Attributes },
    sink: RecordSink,
  ) {
    this.call = call
    this.endpoint = endpoint
    this.customer = payer.customer
    this.attributes = payer.attributes
    this.#sink = sink
  }

  /** A call that asks again for this one's response: the same customer pays. */
  again(call: Call, endpoint: Endpoint): ObservedCall {
    return new ObservedCall(call, endpoint, this, this.#sink)
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
    return new TokenEstimate()
  }

  /** Nobody will ever read the response: only the request is known. */
  abandon(): void {
    if (!this.#settled) this.end([unknownUsage()], 'interrupted', this.newEstimate())
  }

  /** The response was dropped without being read. */
  dropped(): void {
    this.abandon()
  }

  /** The response is not to be billed, or not by this call. */
  dismiss(): void {
    this.#settled = true
  }

  /** The meter failed: the call is recorded as an estimate, and the fault is reported. */
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
      this.#sink.fault(`the usage of a ${this.endpoint.name} call could not be read`, cause)
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
    this.endpoint.estimateInput(this.call.body, estimate)
    return estimate.tokens
  }
}
