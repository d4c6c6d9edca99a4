import type { TokenEstimate } from './token-estimate.ts'
import type { UsageReading } from './usage-reading.ts'
import type { Call } from './call.ts'
import type { ResponseHeaders } from './response-headers.ts'

/** How the usage of one kind of call is read. Pure: it sees JSON and answers counts. */
export interface Endpoint {
  /** `chat.completions`, `responses`, ... */
  readonly name: string
  /**
   * What a whole response is. `text` may be plain text instead of JSON, which `read` then gets as a
   * string. `binary` is never read: `read` gets `undefined` as soon as the response has come.
   * @default 'json'
   */
  readonly content?: 'json' | 'text' | 'binary'
  /**
   * True where the provider bills the call to an account of the customer's own, as the request says.
   * @default false
   */
  isLinked?(call: Call): boolean
  /**
   * A whole response; no reading when there is nothing to bill. The headers are there where the
   * response was read by the client that is metered.
   */
  read(response: unknown, call: Call, headers?: ResponseHeaders): readonly UsageReading[]
  /**
   * A reader for one streamed response; not there when the endpoint does not stream. The reader
   * adds the text that streams past to `output`, for an estimate should the response end early.
   */
  openStream?(call: Call, output: TokenEstimate, headers?: ResponseHeaders): StreamReader
  /** Adds the text of the request, for an estimate where the provider gives no input count. */
  estimateInput(body: Call['body'], estimate: TokenEstimate): void
  /** Adds the text of a whole response, for an estimate where the provider gives no output count. */
  estimateOutput(response: unknown, estimate: TokenEstimate): void
}

/** Follows the events of one streamed response, in constant memory. */
export interface StreamReader {
  /** Called for each event, while the caller waits for it. Answers true to hide it from the caller. */
  see(event: unknown): boolean
  /**
   * An event as the caller gets it, where `see` did not hide it. A copy where something is left out:
   * to delete a key makes an object slow for everybody who reads it. @default the event itself
   */
  shown?(event: unknown): unknown
  /** True when events are ever hidden, or shown otherwise than they came. */
  readonly hides: boolean
  /** The model has said its last word. */
  readonly finished: boolean
  /** The provider has given its final usage. */
  readonly usageSeen: boolean
  /** What the events said so far; no reading when there is nothing to bill. */
  readings(): readonly UsageReading[]
}
