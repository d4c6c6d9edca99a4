const windowMs = 24 * 60 * 60_000

/** Identifiers that are taken: each for 24 hours, after which Stripe bills it again. */
export interface Identifiers {
  has(identifier: string, now: number): boolean
  take(identifier: string, now: number): void
}

export function createIdentifiers(): Identifiers {
  const takenAt = new Map<string, number>()
  return {
    has: (identifier, now) => {
      const last = takenAt.get(identifier)
      return last !== undefined && now - last < windowMs
    },
    take: (identifier, now) => takenAt.set(identifier, now),
  }
}
