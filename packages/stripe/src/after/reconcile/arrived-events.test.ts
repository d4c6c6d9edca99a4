import { expect, test } from 'vitest'
import { uniqueSubset } from './arrived-events.ts'

test.each([
  [[5], 5, [0]],
  [[5], 0, []],
  [[], 0, []],
  [[3, 5, 9], 12, [0, 2]],
  [[3, 3, 9], 15, [0, 1, 2]],
  [[3, 3, 9], 6, [0, 1]],
  [[3, 3, 9], 9, [2]],
])('of %j, %d is made of one subset only', (values, target, indices) => {
  expect(uniqueSubset(values, target)).toEqual({ indices })
})

test.each([
  [[5], 4, 'none'],
  [[5], 6, 'none'],
  [[5], -1, 'none'],
  [[], 1, 'none'],
  [[3, 3, 9], 3, 'several'],
  [[1, 2, 3], 3, 'several'],
  [[1, 2, 3, 4], 7, 'several'],
])('of %j, %d is made of %s', (values, target, answer) => {
  expect(uniqueSubset(values, target)).toBe(answer)
})

test('what would take too long is given up', () => {
  const values = Array.from({ length: 40 }, (_, index) => 2 ** index)
  expect(uniqueSubset(values, 2 ** 40 - 2)).toBe('too many')
})

test('as a search of all subsets finds it', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let round = 0; round < 300; round++) {
    const values = Array.from({ length: random(8) }, () => 1 + random(12))
    const target = random(40)
    const subsets = Array.from({ length: 2 ** values.length }, (_, mask) =>
      [...values.keys()].filter((index) => mask & (1 << index)),
    ).filter((indices) => indices.reduce((sum, index) => sum + (values[index] ?? 0), 0) === target)
    const [only] = subsets
    const expected =
      only === undefined ? 'none' : subsets.length > 1 ? 'several' : { indices: only }
    expect(uniqueSubset(values, target)).toEqual(expected)
  }
})
