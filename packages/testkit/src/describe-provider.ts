import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import { attributionTests } from './provider-suite/attribution-tests.ts'
import { captureTests } from './provider-suite/capture-tests.ts'
import { doubtfulUsageTests } from './provider-suite/doubtful-usage-tests.ts'
import { growingHoldTests } from './provider-suite/growing-hold-tests.ts'
import { guardedTests } from './provider-suite/guarded-tests.ts'
import { interruptionTests } from './provider-suite/interruption-tests.ts'
import { mockTests } from './provider-suite/mock-tests.ts'
import { privacyTests } from './provider-suite/privacy-tests.ts'
import { harness } from './provider-suite/provider-harness.ts'
import type { ProviderUnderTest } from './provider-suite/provider-under-test.ts'
import { robustnessTests } from './provider-suite/robustness-tests.ts'
import { transparencyTests } from './provider-suite/transparency-tests.ts'
import { type ReplayServer, startReplayServer } from './replay/replay-server.ts'

/**
 * The conformance suite of providers: whatever an application does with a metered client, it does what
 * the raw one does, and every billable answer is recorded once. A provider package runs it for each
 * version of its SDK, with a table of its calls; the requests go to a real server on loopback.
 */
export function describeProvider<Client extends object>(
  name: string,
  suite: ProviderUnderTest<Client>,
): void {
  describe(`${name}, as a provider`, () => {
    let server: ReplayServer
    beforeAll(async () => {
      const { usageUnasked = false, framing } = suite.wire
      server = await startReplayServer({ usageUnasked, ...(framing && { framing }) })
    })
    afterAll(() => server.close())

    const { except = {} } = suite
    const met = new Set<string>()
    beforeEach(({ task, skip }) => {
      met.add(task.name)
      const why = except[task.name]
      if (why !== undefined) skip(why)
    })
    afterAll(() => {
      const isWhole = met.size > Object.keys(except).length
      if (isWhole) expect([...met]).toEqual(expect.arrayContaining(Object.keys(except)))
    })
    const start = harness(suite, () => server)

    describe('capture', () => captureTests(suite, start))
    describe('transparency', () => transparencyTests(suite, start))
    describe('interruption', () => interruptionTests(suite, start))
    describe('robustness', () => robustnessTests(suite, start))
    describe('doubtful usage', () => doubtfulUsageTests(suite, start))
    describe('attribution', () => attributionTests(suite, start))
    if (suite.guarded !== false) {
      describe('guarded', () => guardedTests(suite, start))
      describe('a hold that grows with a stream', () => growingHoldTests(suite, start))
    }
    describe('privacy', () => privacyTests(suite, start))
    describe('mocks and spies', () => mockTests(suite, start))
  })
}
