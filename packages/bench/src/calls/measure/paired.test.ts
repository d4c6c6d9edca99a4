import { expect, test } from 'vitest'
import { paired } from './paired.ts'

test('a machine that is slow for a while is no difference', async () => {
  let runs = 0
  // Ten times as slow for a third of the time.
  const cost = (own: number): Promise<number> =>
    Promise.resolve(own + (++runs % 60 < 20 ? 1000 : 100))
  const { raw, difference, pairs } = await paired({
    pairs: 101,
    quick: false,
    raw: () => cost(0),
    subject: () => cost(7),
    settle: () => Promise.resolve(),
  })

  expect(pairs).toBe(101)
  expect(difference).toEqual({ median: 7, lower: 7, upper: 7 })
  expect(raw.median).toBe(100)
})

test('what runs first in a pair is no advantage', async () => {
  let runs = 0
  // The second of two runs is always cheaper.
  const cost = (): Promise<number> => Promise.resolve(runs++ % 2 === 0 ? 20 : 10)
  const { difference } = await paired({
    pairs: 100,
    quick: false,
    raw: cost,
    subject: cost,
    settle: () => Promise.resolve(),
  })

  expect(difference.median).toBe(0)
})
