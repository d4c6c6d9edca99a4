import type { KeyOptions, KeyQuery } from './key.ts'

/** A key as it is kept. */
export interface KeyRow {
  readonly id: string
  /** SHA-256 of the whole key, in hex. */
  readonly hash: string
  /** That of the key before it was rotated, and until when it works, in ms since the epoch. */
  readonly oldHash: string | null
  readonly oldUntil: number | null
  readonly options: KeyOptions
  readonly isBlocked: boolean
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastUsedAt: number | null
  /** How often it was written: what was read before somebody else wrote is not written. */
  readonly version: number
}

/** Which page of which keys. */
export type StoredQuery = Pick<KeyQuery, 'userId' | 'teamId' | 'customer' | 'alias'> & {
  readonly limit: number
  readonly offset: number
}

export interface KeyStore {
  get(id: string): Promise<KeyRow | undefined>
  /** False where another key has its alias. */
  add(row: KeyRow): Promise<boolean>
  /**
   * Writes it in the place of the one whose version is one less. False where there is none, as where
   * somebody else wrote meanwhile, and where another key has its alias. Its last use stays as it is.
   */
  replace(row: KeyRow): Promise<boolean>
  hasAlias(alias: string): Promise<boolean>
  /** Returns the ids of those that there were. */
  remove(ids: readonly string[]): Promise<readonly string[]>
  /** The newest first. */
  list(query: StoredQuery): Promise<{ readonly rows: readonly KeyRow[]; readonly count: number }>
  /** When keys were used, in ms since the epoch. */
  used(times: ReadonlyMap<string, number>): Promise<void>
}
