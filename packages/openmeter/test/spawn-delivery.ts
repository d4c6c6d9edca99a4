import { join } from 'node:path'
import type { FakeOpenMeter } from '@token-meter/testkit'
import { spawnScript, type SpawnedScript } from '@token-meter/testkit/internal/suites'

/** Starts `delivery-child.ts`; it is killed at the end of the test. */
export function spawnDelivery(
  path: string,
  { apiKey, url }: FakeOpenMeter,
  sums = '',
): SpawnedScript {
  return spawnScript(join(import.meta.dirname, 'delivery-child.ts'), path, apiKey, url, sums)
}
