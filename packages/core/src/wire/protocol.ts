/**
 * The contract between the two sides of a provider.
 *
 * `wire/` of a provider knows one HTTP API: which request costs something, how its answer says what it
 * used, and what has to be asked for. It imports `@token-meter/core/wire` and nothing else, sees no
 * SDK, no `Response` and no customer, and exports one `WireProtocol`.
 *
 * Whoever sees requests brings them to it: the SDK side maps `client.post()`, a wrapped `fetch` its
 * arguments, a proxy the bytes it passes on. From there the way is one:
 *
 *     protocol.open(request) -> WireOperation -> (observer.begin) -> rewrite.apply -> sent
 *       -> endpoint.read or endpoint.openStream -> UsageReading[] -> record
 *
 * A protocol never throws for what a caller or a server wrote: a body that is no JSON has no fields.
 */
import type { Call, Endpoint } from './endpoint.ts'
import type { HttpHeaders } from './http-headers.ts'

/** One HTTP request that is about to be sent. */
export interface WireRequest {
  /** `POST`, `get`, ...: in any case. */
  readonly method: string
  /** An address, or a path below the base URL of the context, as an SDK writes it. */
  readonly url: string
  /** What it is sent with, where that is known. */
  readonly headers: HttpHeaders | undefined
  /**
   * The body: an object of fields, text, bytes or a form. `requestBody` reads the fields of any.
   * `undefined` also where it is not known yet: method and URL alone decide whether a request is an
   * operation, its body only which one.
   */
  readonly body: unknown
}

/** What an HTTP API is metered by: it says what each request is. */
export interface WireProtocol {
  /** `openai`, `anthropic`, ...: the name of the API, and of who serves it where no host says. */
  readonly name: string
  /**
   * What a request asks for, as far as it costs something: an operation; or, for what costs something
   * that no answer tells for certain, what the application is told once; or `undefined` for what
   * bills nothing. Has no effect: a request that was opened need not be sent.
   */
  open<Creator>(
    request: WireRequest,
    context: WireContext<Creator>,
  ): WireOperation<Creator> | Unmetered | undefined
  /**
   * True for a request that is no operation and that is known to bill nothing, whatever usage its
   * answer shows. What is neither is reported when its answer says that it used tokens.
   * @default every request without an operation may cost something
   */
  isFree?(request: WireRequest, baseUrl: string | undefined): boolean
}

/** A request that works and is not metered: what the application is told, in a whole sentence. */
export interface Unmetered {
  readonly unmetered: string
}

/** A request that costs something, and how that is read. */
export interface WireOperation<Creator = unknown> {
  /** Reads its answer. */
  readonly endpoint: Endpoint
  /** The fields of its body as they are when it is sent, for the application and the estimates. */
  readonly body: Call['body']
  /** It costs nothing itself (it asks for something again), so that it is never refused. */
  readonly free?: true | undefined
  /**
   * It is free, and starts work that is billed to whoever reads its results: a guard holds for it, where it
   * is known who pays.
   */
  readonly startsJob?: true | undefined
  /** Who pays, where it asks again for what another call created. */
  readonly creator?: Creator | undefined
  /** What has to be changed about the request, so that its answer says what it used. */
  readonly rewrite?: RequestRewrite | undefined
  /** What other calls used is in its answer. It uses nothing itself then: its endpoint reads nothing. */
  readonly parts?: AnswerParts<Creator> | undefined
}

/**
 * An answer that tells of several calls, each with a payer of its own: the lines of a batch's results,
 * jobs that are finished by now.
 */
export interface AnswerParts<Creator = unknown> {
  /**
   * The calls that one JSON value of the answer tells of: the whole answer, or one of its lines where
   * the endpoint's content is `lines`. Those that were billed before are none.
   *
   * @param index of the value, from 0.
   */
  of(json: unknown, index: number): readonly AnswerPart<Creator>[]
  /** The answer has been seen to its end. */
  ended?(): void
}

/** What one call used, in the answer of another. It costs nothing by itself: it is never refused. */
export interface AnswerPart<Creator = unknown> {
  /** Reads the part. */
  readonly endpoint: Endpoint
  /** What the endpoint reads. */
  readonly answer: unknown
  /** Who pays, where it is known. */
  readonly creator?: Creator | undefined
  /**
   * The fields by which the application may find who pays, where no creator is known. Where it finds
   * nobody, and without fields, whoever asked for the answer pays.
   */
  readonly body?: Call['body'] | undefined
}

/**
 * A change of one request that its caller does not ask for and does not see. The states:
 *
 * - opened: `apply` was not called, or found nothing to change; `hidesUsage()` is false.
 * - applied: the request went out changed. `apply` may be called again, for each attempt that the
 *   SDK makes.
 * - refused: the server answered what `isRefusal` is true for, the request was sent again as the
 *   caller made it, and that was taken. It stays so, and is remembered for the server and the model.
 */
export interface RequestRewrite {
  /**
   * The serialised body to send in place of this one: text for text, bytes for bytes. Whatever is not
   * changed keeps each of its bytes, also such as are no UTF-8. `undefined`: sent as it is, and nothing
   * is hidden.
   */
  apply(body: string): string | undefined
  apply(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined
  /** True where the answer says something that only the rewrite asked for. Known once it was sent. */
  hidesUsage(): boolean
  /**
   * True for an error answer that refuses what the rewrite has added: the request is sent without.
   * Asked of those with status 400 and 422.
   */
  isRefusal(status: number, body: string): boolean
  /** The request was taken without the rewrite: for a while the server is not asked for this model. */
  refused(): void
}

/** What a protocol is told about where a request goes, beside the request itself. */
export interface WireContext<Creator = unknown> {
  /**
   * What the URL stands below, such as `https://api.openai.com/v1`; `undefined` where nobody said: a
   * protocol then finds its paths behind whatever prefix.
   */
  readonly baseUrl: string | undefined
  /** Who serves the request: `openai`, `azure`, `groq`, ... */
  readonly provider: string
  /** The application's own decision on asking for usage. @default where the server is known to take it */
  readonly includeUsage?: boolean | undefined
  /** The version of the API that the client asks for, where its URL does not say it. */
  readonly apiVersion?: string | undefined
  /**
   * Jobs of one kind: work that goes on at the provider after it was asked for. They are remembered
   * for the whole process, since what one client created another may ask for.
   */
  jobs(kind: string): JobStore<Creator>
  /** Tells the application something it has to do to have its usage billed. */
  warn(message: string): void
}

/**
 * Jobs of one kind, by an id that tells them from those of every other server. A job moves forward
 * only:
 *
 * - pending: a call of this process created it; whoever pays for that call will pay for the job.
 * - billed: an answer showed it finished. Whichever comes first bills it, every other bills nothing.
 *
 * A finished job that is neither was created by another process. Its protocol decides whether it is
 * billed to who asks; its record's id is derived from the job, so that two processes bill it once.
 *
 * @typeParam Creator the call that created a job, opaque here: all that a protocol does with it is to
 * put it into an operation.
 */
export interface JobStore<Creator = unknown> {
  /**
   * The call that is under way has created a job that is not finished.
   *
   * @param fields what of its request the job's usage is read with, beside the model, which is kept
   * anyway. Never its prompt: a job may be remembered for as long as the process lives.
   */
  created(id: string, fields: Call['body']): void
  /** The call that created a pending job. */
  creatorOf(id: string): Creator | undefined
  /** What `created` was given for a pending job. */
  fieldsOf(id: string): Call['body'] | undefined
  isBilled(id: string): boolean
  /** A job was seen finished. Returns false when it had been before. */
  settle(id: string): boolean
}
