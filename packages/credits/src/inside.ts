import { ConfigError } from '@token-meter/core/outbox'
import type { Books } from './books/books.ts'
import type { Credits } from './credits.ts'
import type { PlanBook } from './plans/plan-book.ts'

/** What another entry of this package needs of credits. */
export interface CreditsInside {
  readonly books: Books
  readonly plans: PlanBook
  readonly now: () => number
}

/** Registered, so that entries that were bundled apart know it. */
const inside = Symbol.for('@token-meter/credits inside')

export function withInside(credits: Credits, parts: CreditsInside): Credits {
  return Object.defineProperty(credits, inside, { value: parts })
}

/** @throws ConfigError for what `createCredits` has not made. */
export function insideOf(owner: string, credits: unknown): CreditsInside {
  const parts = (credits as { readonly [inside]?: CreditsInside } | null | undefined)?.[inside]
  if (parts !== undefined) return parts
  throw new ConfigError(`${owner}: credits must be made by createCredits()`)
}
