/** A key of the gateway: what it may, and what is known of it. Its secret is not among this. */

/** What a key may, and whom it is for. What is left out is not limited, or not allowed. */
export interface KeyOptions {
  /** A name for people, which no other key has. */
  readonly alias?: string | undefined
  /** Who has it. Charged under `chargeBy: 'user_id'`, and under `'key'` where it has no team. */
  readonly userId?: string | undefined
  /** The team that it is for. Charged under `chargeBy: 'team_id'`, and under `'key'`. */
  readonly teamId?: string | undefined
  /** Who is charged for all of its calls: it can name nobody else. */
  readonly customer?: string | undefined
  /** Whom a trusted header or the body may name: these, or `'any'`. Not together with `customer`. @default nobody */
  readonly customers?: 'any' | readonly string[] | undefined
  /** The models that may be asked, as requests name them. @default all */
  readonly models?: readonly string[] | undefined
  /** When it ends, in ms since the epoch. @default never */
  readonly expiresAt?: number | undefined
  /** Ids of pools of credits that its calls count against. */
  readonly pools?: readonly string[] | undefined
  /** As many at once, and as many a minute in the long run. */
  readonly requestsPerMinute?: number | undefined
  /**
   * As many a minute in the long run, of input and output. What a call used is known when it ends, so
   * that what was too much delays the next one.
   */
  readonly tokensPerMinute?: number | undefined
  /** How many calls may be under way. */
  readonly parallelRequests?: number | undefined
  /** Of the application. Text is at most 512 characters, and there are at most 50 of them. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Whether paths that the gateway does not know are passed on, and counted as unmetered. @default false */
  readonly allowUnknown?: boolean | undefined
  /** Whether `stripe-customer-id` with `stripe-restricted-access-key` is honoured. @default false */
  readonly stripeHeaders?: boolean | undefined
}

/** A key, as it is kept. */
export interface KeyInfo extends Readonly<KeyOptions> {
  /** The public part, such as `k3f9a0c1d2e4b5a6`: in logs, and to name it to the admin API. */
  readonly id: string
  readonly isBlocked: boolean
  /** Times are in ms since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number
  /** When it was used last, to about half a minute; absent where it never was. */
  readonly lastUsedAt?: number
  /** Until when the secret works that it had before it was rotated; absent where none does. */
  readonly graceUntil?: number
}

/** A key with its secret, which is shown once. */
export interface NewKey {
  /** `tm-<id>-<secret>`. Only its SHA-256 is kept. */
  readonly key: string
  readonly info: KeyInfo
}

/** Which keys a list has. */
export interface KeyQuery {
  readonly userId?: string | undefined
  readonly teamId?: string | undefined
  readonly customer?: string | undefined
  readonly alias?: string | undefined
  /** From 1 up. @default 1 */
  readonly page?: number | undefined
  /** How many a page has, from 1 to 1000. @default 100 */
  readonly size?: number | undefined
}

/** Keys in the order in which they were made, the newest first. */
export interface KeyPage {
  readonly keys: readonly KeyInfo[]
  /** Of all pages. */
  readonly count: number
}
