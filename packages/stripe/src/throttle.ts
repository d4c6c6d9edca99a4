/** How long a halved share takes to be whole again, in ms. */
const recoveryMs = 30_000
/** What is refused within so short a time was sent before the share was halved, in ms. */
const sameMomentMs = 1000
const smallestShare = 1 / 32

/** The share of a limit of ours that Stripe lets through, when it says that ours is too much. */
export interface Throttle {
  /** Above 0, up to 1. */
  share(): number
  /** Halves the share, which then grows again by itself. */
  tighten(): void
}

/** @param now a clock in ms that never goes back. */
export function createThrottle(now: () => number): Throttle {
  let lowest = 1
  let tightenedAt = -Infinity
  const share = () => Math.min(1, lowest + (now() - tightenedAt) / recoveryMs)
  return {
    share,
    tighten: () => {
      if (now() - tightenedAt < sameMomentMs) return
      lowest = Math.max(smallestShare, share() / 2)
      tightenedAt = now()
    },
  }
}
