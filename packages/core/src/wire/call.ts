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
