import { describe, expect, test } from 'vitest'
import { isStated, RunningUsage } from './running-usage.ts'

function after(...usages: readonly unknown[]) {
  const running = new RunningUsage()
  for (const usage of usages) running.see(usage)
  return running.latest
}

const good = {
  prompt_tokens: 900,
  completion_tokens: 40,
  total_tokens: 940,
  details: { cached: 8 },
}

describe('RunningUsage', () => {
  test.each([
    [{}],
    [{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, details: {} }],
    [{ prompt_tokens: null, completion_tokens: undefined, details: { cached: 0 } }],
    [{ prompt_tokens: Number.NaN, completion_tokens: -3, total_tokens: 'many', details: null }],
    [null],
    [[]],
    ['text'],
  ])('%j takes nothing away', (later) => {
    expect(after(good, later)).toEqual(good)
  })

  test('each count is the last one that was said, also a smaller one', () => {
    const later = { prompt_tokens: 900, completion_tokens: 12, total_tokens: 912 }
    expect(after(good, later)).toEqual({ ...later, details: { cached: 8 } })
  })

  test('a total that is not said again goes with the counts it was of', () => {
    expect(after(good, { completion_tokens: 41 })).toEqual({
      prompt_tokens: 900,
      completion_tokens: 41,
      details: { cached: 8 },
    })
    expect(after(good, { completion_tokens: 40 })).toEqual(good)
  })

  test('a list is replaced by one that says something', () => {
    const list = (tokenCount: number) => ({ parts: [{ modality: 'TEXT', tokenCount }] })
    expect(after(list(5), list(0))).toEqual(list(5))
    expect(after(list(5), list(3))).toEqual(list(3))
    expect(after(list(5), { parts: [] })).toEqual(list(5))
  })

  test('what says everything again is kept as it is, which costs no copy', () => {
    const later = { ...good, completion_tokens: 41, total_tokens: 941 }
    expect(after(good, later)).toBe(later)
  })

  test.each([
    [{ prompt_tokens: 0, queue_time: 0.5, cost: 0.25, details: { cached: 0 } }, false],
    [{ prompt_tokens: 0, details: { cached: 1 } }, true],
    [{ prompt_tokens: '12' }, true],
    [{}, false],
    [undefined, false],
    ['text', false],
  ])('%j counts something: %s', (usage, expected) => {
    expect(isStated(usage)).toBe(expected)
  })
})
