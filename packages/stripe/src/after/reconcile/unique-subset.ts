/** So many different sums are looked at before it is given up. */
const mostSums = 100_000

/** A subset as a chain of indices, so that subsets share what they have in common. */
interface Chosen {
  readonly index: number
  readonly rest: Chosen | undefined
}

/**
 * The indices of the only values that sum up to a target, or why there is no such answer. All values
 * are whole and above 0, so that nothing and everything are always proven.
 */
export function uniqueSubset(
  values: readonly number[],
  target: number,
): { readonly indices: readonly number[] } | 'none' | 'several' | 'too many' {
  /** What each sum is made of; `several` where that is not unique. */
  let sums = new Map<number, Chosen | undefined | 'several'>([[0, undefined]])
  const all = values.reduce((sum, value) => sum + value, 0)
  if (target === all) return { indices: values.map((_, index) => index) }
  for (const [index, value] of values.entries()) {
    const next = new Map(sums)
    for (const [sum, chosen] of sums) {
      const more = sum + value
      if (more > target) continue
      const isSeveral = chosen === 'several' || sums.has(more)
      next.set(more, isSeveral ? 'several' : { index, rest: chosen })
    }
    if (next.size > mostSums) return 'too many'
    sums = next
  }
  if (!sums.has(target)) return 'none'
  const found = sums.get(target)
  if (found === 'several') return 'several'
  const indices: number[] = []
  for (let chosen = found; chosen !== undefined; chosen = chosen.rest) indices.unshift(chosen.index)
  return { indices }
}
