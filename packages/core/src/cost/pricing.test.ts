import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { CostError } from '../errors/errors.ts'
import { cost } from './cost.ts'
import { pricing } from './pricing.ts'

test('usage that nobody is named for costs what it does for whom it is attributed to', () => {
  const errors: CostError[] = []
  const markup = { default: 20, customers: { cus_partner: 0 } }
  const price = pricing(cost({ prices: () => '0.5', markup }), (error) => void errors.push(error))
  const kept = price(exampleRecord({ customer: null }))
  expect(kept.cost).toBeUndefined()
  expect(errors).toEqual([])
  expect(price({ ...kept, customer: 'cus_partner' }).cost?.billed).toBe('0.5')
  expect(price({ ...kept, customer: 'cus_other' }).cost?.billed).toBe('0.6')
})

test('what is unbilled costs nothing, whoever uses it and whatever is known of its price', () => {
  const errors: CostError[] = []
  const calculators = [cost(), cost({ prices: () => '0.5', markup: 20 }), () => ({ unpriced: 'x' })]
  for (const calculate of calculators) {
    const price = pricing(calculate, (error) => void errors.push(error))
    for (const customer of ['cus_1', null]) {
      const record = exampleRecord({
        customer,
        unbilled: 'linked',
        model: 'unknown',
        details: { providerCostUsd: 3 },
      })
      const free = { currency: 'USD', provider: '0', billed: '0', source: 'unbilled' }
      expect(price(record).cost).toEqual(free)
    }
  }
  expect(cost({ prices: () => '0.5' })(exampleRecord({ unbilled: 'x' }))).toMatchObject({
    billed: '0',
  })
  expect(errors).toEqual([])
})

test('a cost that a record has stays', () => {
  const known = {
    currency: 'USD',
    provider: '1',
    billed: '2',
    source: 'prices',
  } as const
  const price = pricing(cost({ prices: () => '0.5' }), () => {})
  expect(price(exampleRecord({ cost: known })).cost).toBe(known)
})
