const windowMs = 24 * 60 * 60_000

/** Identifiers that are taken: each for 24 hours, after which Stripe bills it again. */
export interface Identifiers {
  /** False when it is taken already. */
  claim(identifier: string, now: number): boolean
}

export function createIdentifiers(): Identifiers {
  const takenAt = new Map<string, number>()
  return {
    claim: (identifier, now) => {
      const last = takenAt.get(identifier)
      if (last !== undefined && now - last < windowMs) return false
      takenAt.set(identifier, now)
      return true
    },
  }
}
