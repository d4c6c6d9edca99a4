/**
 * What a request gets:
 *
 * - a string: the path of a file with a recorded answer; `*.json` is sent as JSON, `*.chunks.txt`
 *   (one JSON event a line) as server-sent events;
 * - an array: server-sent events, one per item. To chat completions, `stream_options.include_usage`
 *   is honoured as OpenAI does, which recordings are not: they are sent as they were recorded;
 * - bytes: a body as it is, such as audio, or text that is not JSON;
 * - any other object: a JSON body;
 * - a function: decides by the request.
 */
export type Reply =
  | string
  | Uint8Array
  | readonly ReplayEvent[]
  | ReplayEvent
  | ((request: ReplayedRequest) => Reply)

/** A JSON object, as an event of a stream or a whole body. */
export type ReplayEvent = Readonly<Record<string, unknown>>

/** How the events of a stream are written, where it is not as server-sent events. */
export interface EventFraming {
  /** `application/x-ndjson`, `application/vnd.amazon.eventstream`, ... */
  readonly contentType: string
  /** One event, ready to be written. */
  encode(event: ReplayEvent): string | Uint8Array
}

/** How a reply is sent. */
export interface ReplyOptions {
  /** Only for requests to this path: its end (`/chat/completions`), or a pattern. @default any */
  readonly path?: string | RegExp
  /** How many requests get this reply. @default 1 */
  readonly times?: number
  /** @default 200 */
  readonly status?: number
  /** Added to `content-type` and `x-request-id`, or in their place. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Streams of chat completions have their usage although nobody has asked for it, as Mistral's have.
   * @default false
   */
  readonly usageUnasked?: boolean
  /** How the events of a stream are written. @default as server-sent events */
  readonly framing?: EventFraming
  /** Time before the answer begins. @default 0 */
  readonly delayMs?: number
  /** Time between two events of a stream. @default 0 */
  readonly gapMs?: number
  /** Cuts the connection after this many events; a reply that is no stream is not sent at all. */
  readonly cutAfterEvents?: number
  /** As `cutAfterEvents`, but leaves the connection open. */
  readonly hangAfterEvents?: number
}

/** One request as it arrived, and what its answer has come to. */
export interface ReplayedRequest {
  readonly method: string
  readonly path: string
  /** With the query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parsed JSON body; `undefined` when it is not JSON. */
  readonly body: unknown
  /** The body as text, byte for byte where it is UTF-8. */
  readonly rawBody: string
  /** Events of the stream written so far, without `[DONE]`. */
  readonly eventsSent: number
  /** The client hung up before the answer was complete. */
  readonly closedEarly: boolean
  /** Resolves once the answer is complete or its connection is gone. */
  readonly closed: Promise<void>
}
