/**
 * How long it is waited for that a lost session or call is taken up again, in ms. Longer than a
 * minute, so that by then who has taken it up elsewhere has billed the minute it was lost in.
 */
export const holdMs = 90_000
