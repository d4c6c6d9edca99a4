/** One request as it arrived at the fake, and what became of it. */
export interface FakeLagoRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawBody: string
  /** When it arrived, in ms since the epoch. */
  readonly at: number
  /** The status it was answered with; `undefined` while it was not, and when it never is. */
  readonly status: number | undefined
}
