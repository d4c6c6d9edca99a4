import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test, vi } from 'vitest'
import { Ledger } from './ledger.ts'

test('to walk over what is there takes no longer for what left long ago', () => {
  const ledger = new Ledger()
  const add = (customer: string | null) => {
    for (const record of ledger.fresh([exampleRecord({ customer })])) ledger.add(record)
  }
  // Nobody pays for it, so it stays.
  add(null)
  for (let seq = 2; seq <= 10_001; seq++) {
    add('cus_1')
    ledger.delete(seq)
  }
  add('cus_1')
  const lookUps = vi.spyOn(Map.prototype, 'has')
  try {
    expect([...ledger.after(0)]).toEqual([1, 10_002])
    expect([...ledger.after(1)]).toEqual([10_002])
    expect(ledger.countFrom(2)).toBe(1)
    expect(lookUps.mock.calls.length).toBeLessThan(100)
  } finally {
    lookUps.mockRestore()
  }
})
