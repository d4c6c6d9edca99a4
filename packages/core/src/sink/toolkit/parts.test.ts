import { expect, test } from 'vitest'
import { chunksOf, halvesOf } from './parts.ts'

test('chunks have all items once, in order, and no more than fit', () => {
  expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(chunksOf([1, 2], 2)).toEqual([[1, 2]])
  expect(chunksOf([], 2)).toEqual([])
})

test('halving comes to an end', () => {
  expect(halvesOf([1, 2, 3])).toEqual([[1, 2], [3]])
  expect(halvesOf([1, 2])).toEqual([[1], [2]])
})
