import type { UsageCounts, UsageProblems } from '@token-meter/core/adapter'

/** What Google counts: cached is inside prompt, tool use and thoughts are outside of the others. */
export interface GoogleCounts {
  readonly prompt: number | undefined
  readonly cached: number | undefined
  readonly toolUse: number | undefined
  readonly thoughts: number | undefined
  readonly candidates: number | undefined
  readonly total: number | undefined
}

/**
 * Google's counts as disjoint ones. No count is made of others where it was given itself: one field
 * report has totals without thoughts. Proto JSON leaves out what is zero, so that a candidates
 * count that is missing beside a total is what the total leaves for it.
 */
export function disjointCounts(
  { prompt, cached = 0, toolUse = 0, thoughts, candidates, total }: GoogleCounts,
  problems: UsageProblems,
): UsageCounts['tokens'] {
  const answered = candidates ?? remainder(total, prompt, toolUse, thoughts)
  const output = answered === undefined ? undefined : whole(answered + (thoughts ?? 0), problems)
  if (prompt === undefined) return { input: undefined, cachedInput: cached, cachedWrite: 0, output }
  if (cached > prompt) {
    problems.push(`${cached} cached tokens of ${prompt} prompt tokens, counted as ${prompt}`)
  }
  const cachedInput = Math.min(cached, prompt)
  const input = whole(prompt - cachedInput + toolUse, problems)
  return { input, cachedInput, cachedWrite: 0, output }
}

/** Two counts can each be true, and their sum beyond what a number holds exactly. */
function whole(sum: number, problems: UsageProblems): number | undefined {
  if (Number.isSafeInteger(sum)) return sum
  problems.push(`counts add up to ${sum}, which cannot be a token count`)
  return undefined
}

function remainder(
  total: number | undefined,
  prompt: number | undefined,
  toolUse: number,
  thoughts = 0,
): number | undefined {
  if (total === undefined || prompt === undefined) return undefined
  const left = total - prompt - toolUse - thoughts
  return left < 0 ? undefined : left
}
