/**
 * Prices by the optional peer package `@pydantic/genai-prices`.
 * @module
 */
export { genaiPrices, type GenaiPricesOptions } from './cost/genai/genai-prices.ts'
