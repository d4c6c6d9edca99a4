import type { UsageCounts } from '@token-meter/core/wire'

/** Two usages of one model as one. A count that the first leaves open stays open. */
export function addCounts(first: UsageCounts, second: UsageCounts): UsageCounts {
  const [a, b] = [first.tokens, second.tokens]
  const details = { ...first.details } as Record<string, number>
  for (const [name, count] of Object.entries(second.details as Record<string, number>)) {
    details[name] = (details[name] ?? 0) + count
  }
  return {
    tokens: {
      input: plus(a.input, b.input),
      cachedInput: plus(a.cachedInput ?? 0, b.cachedInput),
      cachedWrite: plus(a.cachedWrite ?? 0, b.cachedWrite),
      output: plus(a.output, b.output),
    },
    details,
    problems: [...first.problems, ...second.problems],
  }
}

function plus(known: number | undefined, more: number | undefined): number | undefined {
  return known === undefined ? undefined : known + (more ?? 0)
}
