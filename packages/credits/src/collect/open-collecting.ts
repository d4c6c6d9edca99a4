import type { CostCalculator } from '@token-meter/core/cost'
import {
  ConfigError,
  hasMethod,
  isOneOf,
  isRequestBound,
  type Outbox,
  type OutboxError,
  optionCheck,
} from '@token-meter/core/outbox'
import { type Books, type BooksOptions, openBooks } from '../books/books.ts'
import type { Act } from '../books/operations.ts'
import type { CollectStore } from './collect-store.ts'
import { openCollectStore } from './open-collect-store.ts'
import { CreditCursor } from './cursor.ts'

const check = optionCheck('createCredits')

/** @throws ConfigError for what is no outbox, and where the books would die with the process, and nobody said that they may. */
export function checkLasts(outbox: Outbox, ephemeral = false): void {
  const made = "the meter's own, made by sqliteOutbox(path) or postgresOutbox(connection)"
  check('outbox', outbox, made, hasMethod('append'))
  check('ephemeral', ephemeral, 'true or false', isOneOf(true, false))
  if (outbox.store?.kind !== 'memory' || ephemeral) return
  throw new ConfigError(
    'createCredits: an outbox in memory loses with the process what customers have paid for. Keep the ' +
      'books in a file (sqliteOutbox(path)) or in Postgres; for tests, say ephemeral: true',
  )
}

/** The books, and what sees to it that every record is in them. */
export interface Collecting {
  readonly books: Books
  readonly store: CollectStore
  readonly cursor: CreditCursor
}

export interface CollectingOptions {
  readonly outbox: Outbox
  readonly cost: CostCalculator | undefined
  readonly act: () => Act
  readonly report: (error: OutboxError) => void
}

export function openCollecting(options: CollectingOptions, booksOptions: BooksOptions): Collecting {
  const { outbox, cost, act, report } = options
  const opened = openBooks(outbox, booksOptions)
  let cursor: CreditCursor | undefined
  const store = openCollectStore(outbox, opened, {
    appended: () => cursor?.wake(),
    opened: () => cursor?.opened(),
    closed: () => cursor?.close(),
  })
  cursor = new CreditCursor({
    outbox,
    books: opened,
    store,
    cost,
    act,
    busyMs: booksOptions.busyMs,
    hasBackground: !isRequestBound(),
    report,
  })
  const begun = cursor
  // Nothing is written before the outbox knows that there are books.
  const write: Books['write'] = (...writing) => {
    const waiting = begun.ready()
    return waiting === undefined
      ? opened.write(...writing)
      : waiting.then(() => opened.write(...writing))
  }
  const now = opened.writeNow
  const writeNow: Books['writeNow'] = (work) => {
    if (now !== undefined && begun.ready() === undefined) return now(work)
    throw Object.assign(new Error('the books are being opened'), { busy: true })
  }
  return { books: { ...opened, write, ...(now && { writeNow }) }, store, cursor }
}
