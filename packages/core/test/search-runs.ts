/**
 * How often something is tried at random. A long search is `TOKEN_METER_TEST_RUNS=20`: twenty times as
 * many.
 */
export function searchRuns(count: number): number {
  return Math.ceil(count * Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1))
}
