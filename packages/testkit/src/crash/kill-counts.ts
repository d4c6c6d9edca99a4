import { type Moment, moments } from './moments.ts'

/** What killed processes were in the middle of; one can be in several moments. */
export type KillCounts = Record<Moment | 'start' | 'nothing', number>

export function noKills(): KillCounts {
  const counts = Object.fromEntries(moments.map((moment) => [moment, 0]))
  return { start: 0, ...counts, nothing: 0 } as KillCounts
}

/** Counts one kill: of a process at its start, in the middle of something, or of nothing. */
export function countKill(counts: KillCounts, hit: readonly Moment[] | undefined): void {
  if (hit === undefined) counts.start += 1
  else if (hit.length === 0) counts.nothing += 1
  else for (const moment of hit) counts[moment] += 1
}
