import type { Call, Provider, UsageRecord } from '@token-meter/core'
import type { EventFraming, ReplayEvent } from '../replay/replay-reply.ts'

/**
 * One SDK, or one major of it, as the suite uses it: how a client is made, how it asks, what the
 * provider answers on the wire, and what that is to be recorded as. `describeProvider` turns it into
 * a test of every promise that a metered client keeps.
 *
 * Everything here is about one call of the SDK, the one that most applications make. What a provider
 * has beside it (other endpoints, jobs, sockets) stays a test of its own package.
 */
export interface ProviderUnderTest<Client extends object = object> {
  /** What `createMeter({ providers: [...] })` takes. */
  readonly provider: Provider
  /**
   * A new client of the SDK, not metered: it sends its requests below `baseUrl` with `key`, and sends
   * none again by itself.
   */
  client(baseUrl: string, key: string): Client
  readonly request: RequestsUnderTest
  /** Asks for a whole answer, and returns what the SDK's own method returns. */
  send(client: Client, request: object, options: SendOptions): PromiseLike<unknown>
  /** Asks for a streamed answer: what the SDK gives its caller to read. */
  stream(client: Client, request: object, options: SendOptions): PromiseLike<AsyncIterable<unknown>>
  readonly wire: WireUnderTest
  readonly read: ReadingUnderTest
  /** Where the function behind `send` is, for spies and mocks: `[client.chat.completions, 'create']`. */
  method(client: Client): readonly [owner: object, name: string]
  /**
   * What an application may freeze, so that nothing can be put in its place, and its calls are not
   * metered, which is said: each time, or once in a process. @default a frozen client is metered
   */
  readonly frozen?: { of(client: Client): object; readonly isToldOnce?: true }
  /** What that function resolves to where a test of an application mocks it. */
  mocked(text: string): unknown
  readonly recorded: RecordsUnderTest
  /**
   * More ways to the same answers, by the name of the test: helpers, raw responses, other methods.
   * Each is to be recorded once, exactly as `send` and `stream` are.
   */
  readonly ways?: {
    /** To `wire.answer`. */
    readonly whole?: WaysUnderTest<Client>
    /** To `wire.events`. */
    readonly streamed?: WaysUnderTest<Client>
  }
  /** Other calls that cost something: refused before they are sent where nobody pays. */
  readonly billable?: WaysUnderTest<Client>
  /** False where its calls do not wait for the guard of a meter. @default they do */
  readonly guarded?: false
  /**
   * What this SDK makes impossible to keep: the name of a test, and why it is skipped. A name that is
   * no test's fails.
   */
  readonly except?: Readonly<Record<string, string>>
  /** Calls that cost nothing, and what they are answered: no record, and never refused. */
  readonly free?: readonly (readonly [
    name: string,
    run: (client: Client) => PromiseLike<unknown>,
    answer: ReplayEvent,
  ])[]
}

/** The ways of a table, each with the name of its test. */
export type WaysUnderTest<Client> = readonly (readonly [
  name: string,
  run: (client: Client) => unknown,
])[]

/** What a request is sent with. */
export interface SendOptions {
  readonly signal?: AbortSignal
}

/** The requests of the suite. Each is an object of its own, which `send` and `stream` take. */
export interface RequestsUnderTest {
  /** A request whose only text is this. */
  of(prompt: string): object
  /** A request that names who pays in a field of its own, such as OpenAI's `user`. */
  paidBy(customer: string): object
  /** Finds in a call whom `paidBy` named. */
  payer(call: Call): string | undefined
}

/** What the provider sends. */
export interface WireUnderTest {
  /** An example of its usage, best with everything that it can count. `recorded` is what it is. */
  readonly usage: object
  /** A whole answer that says `text`. */
  answer(text: string, usage: unknown): ReplayEvent
  /**
   * The events of a streamed answer: one for each text, then one for each usage, in this order. Where
   * the provider gives part of its usage at the beginning, it is that of the first.
   */
  events(texts: readonly string[], usages: readonly unknown[]): readonly ReplayEvent[]
  /**
   * Usage of these counts, in the provider's names; what is left out is left out there too. `total`
   * only where the provider has one.
   */
  usageOf(counts: WireCounts): object
  /**
   * True where a stream of OpenAI's chat shape has its usage although nobody has asked for it.
   * @default false
   */
  readonly usageUnasked?: true
  /** How the events of a stream are written. @default as server-sent events */
  readonly framing?: EventFraming
  /** Whether `usageOf` writes a `total`. @default true */
  readonly hasTotal?: false
  /** Whether the SDK passes on each of several usages in a stream. @default true */
  readonly hasSeveralUsages?: false
  /** An answer that only calls a tool. */
  toolCall(usage: unknown): ReplayEvent
  /** The body of a refusal. */
  error(message: string): ReplayEvent
  /** An event that says, in the middle of a stream, that it failed. */
  errorEvent(message: string): ReplayEvent
}

/** Counts that may be anything: a provider can send what is no count. */
export interface WireCounts {
  readonly input?: unknown
  readonly output?: unknown
  readonly total?: unknown
}

/** How the caller reads an answer. */
export interface ReadingUnderTest {
  /** The text of what `send` resolves to. */
  text(answer: unknown): string
  /** The text that one event of `stream` adds; `''` where it adds none. */
  eventText(event: unknown): string
  /** The error that an event of `stream` is, where the SDK hands errors on as events. @default they throw */
  eventError?(event: unknown): unknown
  /** Whether an event is the last word: whoever leaves there has had it all. */
  isLastWord(event: unknown): boolean
}

/** What `wire.usage` is recorded as. */
export interface RecordsUnderTest {
  /** Of a whole answer: provider, endpoint, model, tokens, details, ... */
  readonly whole: Partial<UsageRecord> & Pick<UsageRecord, 'tokens' | 'provider' | 'endpoint'>
  /** Of a streamed one. @default as of a whole one */
  readonly streamed?: Partial<UsageRecord> & Pick<UsageRecord, 'tokens'>
  /** The method of a call, as `customer` and `attributes` functions see it. @default 'POST' */
  readonly method?: string
  /** Of a stream that was cut off after its first text: what is known exactly, and what is estimated. */
  readonly interrupted: {
    readonly tokens?: Partial<UsageRecord['tokens']>
    readonly estimated: readonly ('input' | 'output')[]
  }
  /**
   * True where a provider goes on, and bills, when a stream is left: then the rest is read behind the
   * caller's back. @default false: the connection is closed at once
   */
  readonly readsOn?: true
  /**
   * Whether a client that another library has wrapped is metered when it is wrapped by the meter; where a
   * metered one is inside, `outermost` says that who was named last pays.
   * @default true, and who was named first pays
   */
  readonly insideWrappers?: false | 'outermost'
}
