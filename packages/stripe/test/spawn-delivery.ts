import { join } from 'node:path'
import type { StripeSinkOptions } from '../src/index.ts'
import type { FakeStripe } from '@token-meter/testkit'
import { spawnScript, type SpawnedScript } from '@token-meter/testkit/internal/suites'

/** Starts `delivery-child.ts`; it is killed at the end of the test. */
export function spawnDelivery(
  path: string,
  { apiKey, url }: FakeStripe,
  sums = '',
  options: Pick<StripeSinkOptions, 'api' | 'maxConcurrentRequests'> = {},
): SpawnedScript {
  const script = join(import.meta.dirname, 'delivery-child.ts')
  return spawnScript(script, path, apiKey, url, sums, JSON.stringify(options))
}
