import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LiveSeconds } from './live-reader.ts'

it('gives each minute once, when it is over, and the rest', () => {
  const seconds = new LiveSeconds()
  expect(seconds.grown('s', 59.9)).toEqual([])
  expect(seconds.grown('s', 125.5)).toEqual([
    { minute: 0, seconds: 60 },
    { minute: 1, seconds: 60 },
  ])
  expect(seconds.grown('s', 125.5)).toEqual([])
  expect(seconds.grown('s', 10)).toEqual([])
  expect(seconds.rest('s')).toEqual({ minute: 2, seconds: 5.5 })
  seconds.restBilled('s')
  expect(seconds.rest('s')).toBeUndefined()
  expect(seconds.grown('s', 181)).toEqual([])
  expect(seconds.rest('s')).toEqual({ minute: 3, seconds: 1 })
})

it('gives the same parts in every process, whichever totals each of them sees', () => {
  const totals = fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(totals, fc.array(fc.nat(2), { minLength: 20, maxLength: 20 }), (steps, seers) => {
      const processes = [new LiveSeconds(), new LiveSeconds(), new LiveSeconds()]
      const ordered = steps.toSorted((a, b) => a - b)
      const billed = new Map<number, number>()
      for (const [index, totalMs] of ordered.entries()) {
        for (const { minute, seconds } of processes[seers[index] ?? 0]?.grown(
          's',
          totalMs / 1000,
        ) ?? []) {
          billed.set(minute, seconds)
        }
      }
      const last = ordered.at(-1) ?? 0
      for (const process of processes) {
        for (const { minute, seconds } of process.grown('s', last / 1000) ?? []) {
          billed.set(minute, seconds)
        }
        const rest = process.rest('s')
        if (rest !== undefined) billed.set(rest.minute, rest.seconds)
      }
      const sum = [...billed.values()].reduce((total, seconds) => total + seconds * 1000, 0)
      expect(Math.round(sum)).toBe(last)
    }),
  )
})

it('remembers a long session while many short ones come and go', () => {
  const seconds = new LiveSeconds()
  expect(seconds.grown('long', 3600)).toHaveLength(60)
  for (let round = 1; round <= 4; round++) {
    for (let index = 0; index < 6000; index++) seconds.grown(`short ${round} ${index}`, 5)
    expect(seconds.grown('long', 3600 + round * 60)).toHaveLength(1)
  }
})
