/**
 * What usage costs: `cost({ prices, markup })` for `createMeter({ cost })`.
 * @module
 */
export { cost, type CostOptions } from './cost/cost.ts'
export type { Markups, Percent } from './cost/markup.ts'
export type { ModelPrice, TieredPrice, Usd } from './cost/model-price.ts'
export type { CostCalculator, PriceFunction, PriceTable, Unpriced } from './cost/price-source.ts'
export type { UsageCost } from './usage/usage-cost.ts'
