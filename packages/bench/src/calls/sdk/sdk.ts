/** One copy of a provider's SDK, and the few things the benchmark does with it. */
export interface Sdk {
  /** Its client class, for peers that patch or derive from it. */
  readonly Client: SdkClass
  /** The whole module, for peers that patch that. */
  readonly module: object
  connect(options: ConnectOptions): object
  /** One whole response. */
  call(client: object): Promise<unknown>
  /** One streamed response; `own` leaves out to ask for its usage. */
  stream(client: object, own?: boolean): Promise<AsyncIterable<unknown>>
  /** Reads the method that calls go through, as a caller does who has just wrapped the client. */
  method(client: object): unknown
  /** Lets streams of this copy yield what the generator does, in place of what they parse. */
  replaceParsing(events: () => AsyncGenerator<unknown, void>): void
}

// What a subclass of it is called with is the SDK's own affair.
// oxlint-disable-next-line no-explicit-any
export type SdkClass = new (options: any) => object

/** In the order of the tables. */
export const sdkNames = ['openai7', 'openai6', 'anthropic', 'genai'] as const

export type SdkName = (typeof sdkNames)[number]

export interface ConnectOptions {
  /** The server's address and the scenario it shall play: `http://127.0.0.1:1234/call`. */
  readonly baseUrl: string
  /** Answers in the process, without a network. */
  readonly fetch?: typeof fetch
  /** Another class than the SDK's own. */
  readonly Client?: SdkClass
  /** More options of that class. */
  readonly more?: object
}

/** The `Stream` of the OpenAI and Anthropic SDKs. */
export interface StreamClass {
  new (iterator: () => AsyncGenerator, controller: AbortController): AsyncIterable<unknown>
  fromSSEResponse(response: Response, controller: AbortController): AsyncIterable<unknown>
}
