/**
 * For the tests of this repository alone, and not published: what needs vitest.
 * @module
 */
export {
  billedTotals,
  billingFaults,
  expectedTotals,
  recordingsAreAbsent,
} from './internal/recorded-billing.ts'
export { describeFetch, type FetchUnderTest } from './internal/describe-fetch.ts'
export { spawnScript, type SpawnedScript } from './internal/spawn-script.ts'
export { temporaryFile } from './internal/temporary-file.ts'
