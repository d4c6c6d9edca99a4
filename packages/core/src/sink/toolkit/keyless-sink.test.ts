import { afterEach, expect, test, vi } from 'vitest'
import { isMissingInBuild, keylessSink } from './keyless-sink.ts'

afterEach(() => vi.unstubAllEnvs())

test.each([
  ['phase-production-build', undefined, true],
  ['phase-production-build', '', true],
  ['phase-production-build', 'rk_live_1', false],
  ['phase-production-server', undefined, false],
  ['', undefined, false],
])('in %j, the key %j is missing for the build only: %j', (phase, key, isMissing) => {
  vi.stubEnv('NEXT_PHASE', phase)
  expect(isMissingInBuild(key)).toBe(isMissing)
})

test('it keeps what it is given pending', async () => {
  const sink = keylessSink('stripe')
  const batch = { id: 'b', sink: 'stripe', lease: 'l', entries: [{} as never] }
  expect(await sink.send(batch, new AbortController().signal)).toMatchObject([{ status: 'retry' }])
})
