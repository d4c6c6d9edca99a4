/** What an application and a backend's webhook do about how accounts are collected for. */
import type { Unit } from '../amount.ts'
import type { Collect } from '../books/rows.ts'
import type { Grant } from '../grant.ts'
import type { CreditsReport, ReconcileQuery } from './report.ts'

export interface AccountOptions {
  /** @default 'usd' */
  readonly unit?: Unit
  /**
   * How money is collected for what the account uses, from the next record on:
   *
   * - `prepaid`: it was paid for before. No sink that bills is sent any of its records, whichever process
   *   delivers: they are settled as `covered`. What is used beyond the balance is debt, which the next
   *   grant pays, and is covered too.
   * - `mirror`: a backend bills all of it, and draws what it was given there as well (`unmirrored`). Of an
   *   account in USD the sinks have to bill by cost: what such an account uses waits, and that is told,
   *   while a process delivers to one that bills tokens (`Sink.value`). What is used beyond the credit
   *   is billed there, so holds and guards refuse such an account only when it is blocked or beyond a pool.
   *
   * Left out, it stays as it is.
   * @default 'prepaid' for a new account
   */
  readonly collect?: Collect
}

/** An account, as it is collected for. */
export interface Account {
  readonly customer: string
  readonly unit: Unit
  readonly collect: Collect
  readonly blocked: string | null
  /** Since when its usage is charged, in ms since the epoch. */
  readonly createdAt: number
}

/** A grant that a backend is to have too. */
export interface MirrorGrant extends Grant {
  readonly customer: string
  readonly unit: Unit
}

/** What is left of an erased customer. */
export interface Erased {
  /** Accounts that have a pseudonym now; every sum in them is what it was. */
  readonly accounts: number
  /**
   * Usage records that name the customer are still in the outbox, until they are pruned
   * (`retentionMs` of the meter).
   */
  readonly hasRecords: boolean
}

export interface CollectVerbs {
  /**
   * The customer's account, made where there is none; from then on the customer's usage is charged to it.
   * @throws ConfigError for `collect: 'mirror'` in USD while a process delivers to a sink that bills tokens.
   */
  account(customer: string, options?: AccountOptions): Promise<Account>
  /**
   * Keeps an account from holding anything, for a reason (a code); `null` lets it again, but where the books
   * may be those of a copy (`restored`): `reconcile({ accept: true })` does. An
   * invoice that has blocked it blocks it again once its payment fails once more. A customer without an account is
   * given one, prepaid and blocked, so that it holds before the first grant too.
   * @throws ConfigError for a wrong option.
   */
  block(customer: string, reason: string | null, options?: { readonly unit?: Unit }): Promise<void>
  /**
   * Forgets who an account was of: a pseudonym takes the name's place, and nothing of it is found by the
   * name any more. Entries and balances stay as they are; `reconcile().sums` counts the
   * customer's records as `expected` and `covered` no more. What was paid before is not
   * given again, and a refund of it is taken from this account. Usage that comes under the name later is charged to
   * nobody; what sources, idempotency keys and actors say is the application's.
   */
  erase(customer: string): Promise<Erased>
  /**
   * Compares the books with their entries, the entries with the records that are kept, and says which grants
   * a backend has. Changes nothing but, with `accept`, that books which were restored are trusted again.
   * Reads all accounts, one after the other.
   */
  reconcile(query?: ReconcileQuery): Promise<CreditsReport>
  /**
   * Charges everything that was recorded before, which is otherwise done within about a second in the
   * background, and not at all where nothing runs there (Cloudflare Workers).
   * @returns false where some of it is not charged after `timeoutMs` (10 s): its price is not known, or
   * the store is busy.
   */
  flush(options?: { readonly timeoutMs?: number }): Promise<boolean>
  /** Does nothing in the background any more. Closing the outbox does so too. */
  close(): void
  /** Grants of accounts with `collect: 'mirror'` that a backend does not have yet, the oldest first. */
  unmirrored(limit?: number): Promise<readonly MirrorGrant[]>
  /** Says that a backend has a grant, and what it calls it. False for a grant that there is not. */
  mirrored(grant: Pick<MirrorGrant, 'id' | 'customer' | 'unit'>, mirror: string): Promise<boolean>
}
