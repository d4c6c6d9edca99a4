/** Whose what is, by the upstream at which it was made and its id there. */
export interface ObjectRow {
  readonly id: string
  readonly owner: string
  /** For how long it is kept after its last use, in ms. */
  readonly keptMs: number
  /** Until then, in ms since the epoch. */
  readonly expiresAt: number
}

export interface ObjectStore {
  /** Adds those that there are not by now: whose something is never changes before its time is over. */
  add(upstream: string, rows: readonly ObjectRow[], now: number): Promise<void>
  /** Those that there are, whatever their time. */
  find(upstream: string, ids: readonly string[]): Promise<readonly ObjectRow[]>
  /** Keeps some for longer. */
  extend(upstream: string, rows: readonly ObjectRow[]): Promise<void>
  /** Forgets those whose time is over. */
  prune(now: number): Promise<void>
}
