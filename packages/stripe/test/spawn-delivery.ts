import { join } from 'node:path'
import type { FakeStripe } from '@token-meter/testkit'
import { spawnScript, type SpawnedScript } from '@token-meter/testkit/suites'

/** Starts `delivery-child.ts`; it is killed at the end of the test. */
export function spawnDelivery(path: string, { apiKey, url }: FakeStripe, sums = ''): SpawnedScript {
  return spawnScript(join(import.meta.dirname, 'delivery-child.ts'), path, apiKey, url, sums)
}
