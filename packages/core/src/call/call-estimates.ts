import type { Call, Endpoint } from '../wire/endpoint.ts'
import type { HttpHeaders } from '../wire/http-headers.ts'
import { readableFields } from '../wire/request-body.ts'
import { TokenEstimate } from '../wire/token-estimate.ts'
import type { UsageReading } from '../wire/usage-reading.ts'
import { likelyInput } from './call-hold.ts'
import { type CompletedReading, completedReadings } from './completed-reading.ts'
import type { CallText, EstimatePolicy } from './estimates.ts'
import type { RecordSink, StreamEnd } from './record-sink.ts'

/** The call whose counts are completed. */
interface EstimatedCall {
  readonly call: Call
  readonly endpoint: Endpoint
  readonly requestedModel: string | null
}

/** What one call used, where its provider did not say it or has not said it yet. */
export class CallEstimates {
  readonly #of: EstimatedCall
  readonly #policy: EstimatePolicy
  readonly #sink: RecordSink
  #likelyInput: number | undefined

  constructor(of: EstimatedCall, policy: EstimatePolicy, sink: RecordSink) {
    this.#of = of
    this.#policy = policy
    this.#sink = sink
  }

  /** Counts text of the call. */
  newEstimate(): TokenEstimate {
    const { count } = this.#policy
    const model = this.#of.requestedModel ?? ''
    return new TokenEstimate(model, count && ((text) => count(text, model)))
  }

  /** What was said of a call that has ended, with what was not, by the tokenizer of the meter. */
  complete(
    readings: readonly UsageReading[],
    end: StreamEnd,
    { output, headers }: Said<() => TokenEstimate>,
  ): readonly CompletedReading[] {
    let inputTokens: number | undefined
    const texts = { output, inputTokens: () => (inputTokens ??= this.#input()) }
    return this.#completed(readings, end, { ...texts, headers })
  }

  /** The same of a stream that goes on, at once: no tokenizer runs. */
  soFar(
    readings: readonly UsageReading[],
    end: StreamEnd,
    { output, headers }: Said<TokenEstimate>,
  ): readonly CompletedReading[] {
    const { call, endpoint, requestedModel } = this.#of
    const inputTokens = () => (this.#likelyInput ??= likelyInput(call, endpoint, requestedModel))
    return this.#completed(readings, end, { output: () => output.soFar, inputTokens, headers })
  }

  #completed(
    readings: readonly UsageReading[],
    end: StreamEnd,
    said: CallText & Pick<Said<unknown>, 'headers'>,
  ): readonly CompletedReading[] {
    return completedReadings(readings, end === 'complete' ? 'complete' : 'partial', {
      ...said,
      onInterrupted: this.#policy.onInterrupted,
      provider: this.#of.call.provider,
    })
  }

  #input(): number {
    const { call, endpoint } = this.#of
    const estimate = this.newEstimate()
    try {
      endpoint.estimateInput(readableFields(call.body), estimate)
    } catch (cause) {
      this.#sink.fault(`the input of a call of ${endpoint.name} could not be estimated`, cause)
    }
    return estimate.tokens
  }
}

/** What was answered. */
interface Said<Output> {
  readonly output: Output
  readonly headers: HttpHeaders | undefined
}
