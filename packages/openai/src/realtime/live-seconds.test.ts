import { expect, it } from 'vitest'
import { billableSeconds } from './live-seconds.ts'

it('bills what a running total adds', () => {
  expect(billableSeconds('adds', 1.1)).toEqual({ seconds: 1.1, fromMs: 0, toMs: 1100 })
  expect(billableSeconds('adds', 3.3)).toEqual({ seconds: 2.2, fromMs: 1100, toMs: 3300 })
  expect(billableSeconds('adds', 3.3)).toBeUndefined()
  expect(billableSeconds('adds', 1)).toBeUndefined()
})

it('remembers a long session while many short ones come and go', () => {
  expect(billableSeconds('long', 3600)?.seconds).toBe(3600)
  for (let round = 1; round <= 4; round++) {
    for (let index = 0; index < 6000; index++) billableSeconds(`short ${round} ${index}`, 5)
    expect(billableSeconds('long', 3600 + round)?.seconds).toBe(1)
  }
})
