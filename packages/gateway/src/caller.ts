/** Who makes a request, as its key says. */

/** What one request is allowed, by its key; of an open gateway on loopback, by nothing. */
export interface Caller {
  /** The public part of the key: for logs, and as the owner of what was created where it names no customer. `null`: an open gateway. */
  readonly keyId: string | null
  readonly userId: string | null
  readonly teamId: string | null
  /** Bound to one: nobody else can be named. */
  readonly customer: string | null
  /** Who may be named by a trusted header or the body: `'any'`, or these. */
  readonly mayName: 'any' | ReadonlySet<string>
  /** The models that may be asked; `undefined`: all. */
  readonly models: ReadonlySet<string> | undefined
  /** Paths that nobody knows pass, and are counted as unmetered. */
  readonly allowUnknown: boolean
  /** `stripe-customer-id` with `stripe-restricted-access-key` is honoured. */
  readonly stripeHeaders: boolean
  /** Ids of pools of credits that its calls count against. */
  readonly pools: readonly string[]
  /** Metadata of the key: attributes that are declared become dimensions. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Tells callers by their keys, and holds their limits. `keys/` has those that are kept in the outbox's store. */
export interface CallerKeys {
  /**
   * @param presented the key, as it came in whichever header; `undefined` where none did.
   * @throws GatewayRefusal 401 for a key that is unknown, expired, blocked or rotated away: one answer for all.
   */
  authenticate(presented: string | undefined): Caller | Promise<Caller>
  /**
   * A request is to be sent. What it resolves to is called when the request is over, with the tokens it used.
   * @throws GatewayRefusal 429 with `retryAfterMs` beyond a rate, or the number of parallel requests.
   */
  enter(caller: Caller): EnteredRequest | Promise<EnteredRequest>
}

/** A request that counts against its key's limits. */
export interface EnteredRequest {
  /** Once. @param tokens all that was used, where it is known. */
  leave(tokens: number | undefined): void
}
