/** One request as it arrived at a fake backend, and what became of it. */
export interface FakeRequest {
  readonly method: string
  readonly path: string
  /** What stands behind the `?`; empty without one. */
  readonly query: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawBody: string
  /** When it arrived, in ms since the epoch. */
  readonly at: number
  /** The status it was answered with; `undefined` while it was not, and when it never is. */
  readonly status: number | undefined
}

/** An answer of a fake backend, before it is written. */
export interface FakeAnswer {
  readonly status: number
  /** @default JSON, where there is a body */
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  readonly body: unknown
}
