import { spread, type Spread } from './spread.ts'

/** What one measure found. */
export interface Figure {
  /** The raw SDK, in the measure's unit. */
  readonly raw: Spread
  /** The subject less the raw SDK, pair by pair. */
  readonly difference: Spread
  readonly pairs: number
}

export interface Pairs {
  /** How many pairs at most. */
  readonly pairs: number
  readonly quick: boolean
  /** Both answer their own cost, in the measure's unit. */
  raw(): Promise<number>
  subject(): Promise<number>
  /** Between any two runs. */
  settle(): Promise<void>
}

/** How long one measure may take, in ms: after that it has the pairs it has, but never too few. */
const budgets = {
  quick: { warmupMs: 100, measureMs: 120, fewest: 3 },
  full: { warmupMs: 2000, measureMs: 2500, fewest: 9 },
}

/** Pairs before those that count, as far as there is time: the code is compiled by then. */
const warmupPairs = { fewest: 3, most: 40 }

/** `BENCH_PAIRS=1` measures so many pairs and warms nothing up: to see that it works, no more. */
const trialPairs = Number(process.env['BENCH_PAIRS'] ?? 0)
const trial = { warmupMs: 0, measureMs: 0, fewest: trialPairs }

/**
 * Runs the raw SDK and the subject in turns, each first every other time, so that what slows the
 * machine for a while slows both. The median of the paired differences is not moved by the few pairs
 * that were hit.
 */
export async function paired(options: Pairs): Promise<Figure> {
  const { pairs, quick } = options
  const { warmupMs, measureMs, fewest } =
    trialPairs > 0 ? trial : quick ? budgets.quick : budgets.full
  const warmed = performance.now() + warmupMs
  for (let count = 0; trialPairs === 0 && count < warmupPairs.most; count++) {
    await onePair(options, count)
    if (count + 1 >= warmupPairs.fewest && performance.now() > warmed) break
  }
  const raws: number[] = []
  const differences: number[] = []
  const end = performance.now() + measureMs
  while (raws.length < pairs && (raws.length < fewest || performance.now() < end)) {
    const { raw, subject } = await onePair(options, raws.length)
    raws.push(raw)
    differences.push(subject - raw)
  }
  return { raw: spread(raws), difference: spread(differences), pairs: raws.length }
}

async function onePair({ raw, subject, settle }: Pairs, number: number) {
  const isRawFirst = number % 2 === 0
  await settle()
  const first = await (isRawFirst ? raw() : subject())
  await settle()
  const second = await (isRawFirst ? subject() : raw())
  return isRawFirst ? { raw: first, subject: second } : { raw: second, subject: first }
}
