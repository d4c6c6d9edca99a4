import type { UsageCost } from '../usage/usage-cost.ts'

/** What usage costs that the provider does not bill. */
export const noCost: UsageCost = { currency: 'USD', provider: '0', billed: '0', source: 'unbilled' }
