import type { CallBounds } from './call-bounds.ts'
import type { HttpHeaders } from './http-headers.ts'
import type { TokenEstimate } from './token-estimate.ts'
import type { UsageReading } from './usage-reading.ts'

/** One LLM call, as the functions that decide who pays and what to attach see it. */
export interface Call {
  /** Who serves it, by the host of the base URL: `openai`, `azure`, `groq`, ... */
  readonly provider: string
  /** `chat.completions`, `responses`, `embeddings`, ... */
  readonly endpoint: string
  /** The HTTP method. */
  readonly method: string
  /** The fields of the request's body, as they are when it is sent. Read them, never write. */
  // A body's fields depend on the endpoint, and `call.body.user` must need no cast.
  // oxlint-disable-next-line no-explicit-any
  readonly body: Readonly<Record<string, any>>
}

/** How the usage of one kind of call is read. Pure: it sees JSON and returns counts. */
export interface Endpoint {
  /** `chat.completions`, `responses`, ... */
  readonly name: string
  /**
   * What a whole response is. `text` may be plain text instead of JSON, which `read` then gets as a
   * string. `binary` is never read: `read` gets `undefined` as soon as the response has come. `lines`
   * are many JSON values, each a part of its own (`AnswerParts`), which are looked at one by one.
   * @default 'json'
   */
  readonly content?: 'json' | 'text' | 'binary' | 'lines'
  /**
   * The fields of a request's body that hold its input: each call has one of them. At a host that nobody
   * knows a request without any is none. @default what the input of any endpoint is called
   */
  readonly inputs?: readonly string[]
  /**
   * True where the provider bills the call to an account of the customer's own, as the request says.
   * @default false
   */
  isLinked?(call: Call): boolean
  /**
   * The most that a call can use, for guards that hold credits for it: asked before it is sent, in the
   * caller's own time, so that it may take 1 ms for a megabyte and runs no tokenizer.
   *
   * @param body the fields that can be read without running a getter of the caller.
   * @default nothing is known: `beyond` has `unknown`
   */
  bounds?(body: Call['body'], call: Call): CallBounds
  /**
   * Reads a whole response; no reading when there is nothing to bill.
   *
   * @param headers those of the response, where they were seen: a mock or a wrapper gives the body
   * alone.
   */
  read(response: unknown, call: Call, headers?: HttpHeaders): readonly UsageReading[]
  /**
   * A reader for one streamed response; not there when the endpoint does not stream. The reader
   * adds the text that streams past to `output`, for an estimate should the response end early.
   */
  openStream?(call: Call, output: TokenEstimate, answer: StreamAnswer): StreamReader
  /** Adds the text of the request, for an estimate where the provider gives no input count. */
  estimateInput(body: Call['body'], estimate: TokenEstimate): void
  /** Adds the text of a whole response, for an estimate where the provider gives no output count. */
  estimateOutput(response: unknown, estimate: TokenEstimate): void
}

/** What is known of a streamed response before its first event. */
export interface StreamAnswer {
  /**
   * The meter has asked for the usage, and the caller has not: what the stream has only because of
   * that must not reach the caller. @default false
   */
  readonly hidesUsage?: boolean
  /** The headers of the response, where they were seen. */
  readonly headers?: HttpHeaders | undefined
}

/** Follows the events of one streamed response, in constant memory. */
export interface StreamReader {
  /**
   * Looks at one event, while the caller waits for it. Returns what the caller gets: the event itself,
   * a copy where something is left out (to delete a key makes an object slow for everybody who reads
   * it), or `undefined` to hide it.
   */
  push(event: unknown): unknown
  /**
   * Whether the event that was pushed last did nothing but add one text to the output, and any other that
   * is the same but for that text does nothing but add its own. Most events of a stream are of that
   * kind, and need not be parsed then, nor pushed: where their bytes are at hand, those of the next
   * ones are compared with it, and what is alike adds its text to the output.
   *
   * Only `true` to the letter counts: an event that changes anything else that the reader keeps, as a
   * count or a reason to stop does, is none. @default no event is
   */
  plain?(event: unknown): PlainEvent | undefined
  /** False when `push` returns every event as it is. */
  readonly rewrites: boolean
  /** The model has said its last word. */
  readonly finished: boolean
  /** The provider has given its final usage. */
  readonly usageSeen: boolean
  /**
   * Nothing that is read follows, though nobody has read on to the end of the response: a client may
   * read no further. Asked only where the format has no last event of its own, as server-sent events
   * have in `[DONE]`. @default `finished` and `usageSeen`
   */
  readonly ended?: boolean
  /** What the events said so far; no reading when there is nothing to bill. */
  readings(): readonly UsageReading[]
}

/** An event of which many differ in one text alone. */
export interface PlainEvent {
  /** Where the text is: `['choices', 0, 'delta', 'content']`. */
  readonly text: readonly (string | number)[]
  /** Whether it is added as a part of a tool call. @default false */
  readonly isToolCall?: boolean
  /**
   * Fields of the event itself that may differ too, as nothing is read from them: texts, and whole
   * numbers. @default none
   */
  readonly ignored?: readonly string[]
}

/** For endpoints that are billed by what the provider says alone. */
export const noEstimate: Pick<Endpoint, 'estimateInput' | 'estimateOutput'> = {
  estimateInput: () => {},
  estimateOutput: () => {},
}
