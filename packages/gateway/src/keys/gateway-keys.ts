import type { CallerKeys } from '../caller.ts'
import type { KeyInfo, KeyOptions, KeyPage, KeyQuery, NewKey } from './key.ts'

/** What is changed of a key: what is left out stays, and `null` takes it away. */
export type KeyChanges = { readonly [Name in keyof KeyOptions]?: KeyOptions[Name] | null }

/**
 * Keys that are kept beside the records of an outbox. A key is named by its whole text, by `tm-<id>` or
 * by its id; a name that is none finds none.
 */
export interface GatewayKeys extends CallerKeys {
  /** @throws ConfigError for a wrong option, and for an alias that another key has. */
  generate(options?: KeyOptions): Promise<NewKey>
  info(key: string): Promise<KeyInfo | undefined>
  /** @throws ConfigError as `generate`. */
  update(key: string, changes: KeyChanges): Promise<KeyInfo | undefined>
  /** Returns the ids of those that there were. */
  delete(keys: readonly string[]): Promise<readonly string[]>
  list(query?: KeyQuery): Promise<KeyPage>
  /**
   * Gives it a new secret. The old one works for another `graceMs`, in ms; of an older one nothing is left.
   * @param options `graceMs` is 0 where it is left out.
   */
  rotate(key: string, options?: { readonly graceMs?: number }): Promise<NewKey | undefined>
  block(key: string): Promise<KeyInfo | undefined>
  unblock(key: string): Promise<KeyInfo | undefined>
  /** Writes down when keys were used last, and stops. The outbox is closed by whoever made it. */
  close(): Promise<void>
}
