import { type KnownEvent, type SpanLedger, unknownAmount } from './ledger.ts'

/** Which events of unknown fate have arrived, for each event name that has any; or why that is open. */
export type Arrived = ReadonlyMap<string, { readonly ids: ReadonlySet<string> } | string>

/**
 * Finds out by the sums of one span which of its uncertain events Stripe has: those whose values,
 * and no others', make up what it bills beyond what it has confirmed.
 * @param billed Stripe's sum for an event name, or why there is none.
 */
export async function arrivedEvents(
  { events }: Pick<SpanLedger, 'events'>,
  billed: (eventName: string) => Promise<number | string>,
): Promise<Arrived> {
  const arrived = new Map<string, { readonly ids: ReadonlySet<string> } | string>()
  for (const [eventName, ofName] of Map.groupBy(events, ({ eventName }) => eventName)) {
    const uncertain = ofName.filter(({ fate }) => fate === 'uncertain')
    if (uncertain.length === 0) continue
    if (ofName.some(({ fate }) => fate === 'pending')) {
      arrived.set(eventName, 'other usage of the same time is still on its way')
      continue
    }
    const confirmed = sumOf(ofName.filter(({ fate }) => fate === 'delivered'))
    const values = uncertain.flatMap(({ value }) => value ?? [])
    if (confirmed === undefined || values.length < uncertain.length) {
      arrived.set(eventName, unknownAmount)
      continue
    }
    const sum = await billed(eventName)
    if (typeof sum === 'string') {
      arrived.set(eventName, sum)
      continue
    }
    const found = uniqueSubset(values, sum - confirmed)
    if (typeof found === 'string') {
      const sums = `Stripe bills ${sum} for that time, of which ${confirmed} were confirmed`
      arrived.set(eventName, `${sums}: ${inWords[found]}`)
      continue
    }
    const ids = found.indices.flatMap((index) => uncertain[index]?.id ?? [])
    arrived.set(eventName, { ids: new Set(ids) })
  }
  return arrived
}

/** `undefined` where one of the values is not known. */
function sumOf(events: readonly KnownEvent[]): number | undefined {
  let sum = 0
  for (const { value } of events) {
    if (value === undefined) return undefined
    sum += value
  }
  return sum
}

const inWords = {
  none: 'no choice of the uncertain events makes up the rest',
  several: 'more than one choice of the uncertain events makes up the rest',
  'too many': 'there are too many uncertain events to tell which make up the rest',
} as const

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
