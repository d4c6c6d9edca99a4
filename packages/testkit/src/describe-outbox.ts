import { afterEach, beforeEach, describe } from 'vitest'
import { appendTests } from './outbox-suite/append-tests.ts'
import { claimTests } from './outbox-suite/claim-tests.ts'
import { coveredTests } from './outbox-suite/covered-tests.ts'
import { correctionTests } from './outbox-suite/correction-tests.ts'
import { deadLetterTests } from './outbox-suite/dead-letter-tests.ts'
import { distrustTests } from './outbox-suite/distrust-tests.ts'
import { heldUsageTests } from './outbox-suite/held-usage-tests.ts'
import { knownSinkTests } from './outbox-suite/known-sink-tests.ts'
import { ledgerQueryTests } from './outbox-suite/ledger-query-tests.ts'
import { ledgerTests } from './outbox-suite/ledger-tests.ts'
import { lingerTests } from './outbox-suite/linger-tests.ts'
import { markTests } from './outbox-suite/mark-tests.ts'
import { openTests } from './outbox-suite/open-tests.ts'
import { OutboxHarness, type OutboxSuite } from './outbox-suite/outbox-harness.ts'
import { progressTests } from './outbox-suite/progress-tests.ts'
import { refusedEventTests } from './outbox-suite/refused-event-tests.ts'
import { settleTests } from './outbox-suite/settle-tests.ts'
import { sharedTests } from './outbox-suite/shared-tests.ts'
import { sinkNameTests } from './outbox-suite/sink-name-tests.ts'
import { uncertainTests } from './outbox-suite/uncertain-tests.ts'
import { unattributedTests } from './outbox-suite/unattributed-tests.ts'

/**
 * The conformance suite of outboxes: every sentence of the contract in core's `outbox/outbox.ts`,
 * by a clock that only the tests move.
 */
export function describeOutbox(name: string, suite: OutboxSuite): void {
  describe(`${name}, as an outbox`, () => {
    let opened: OutboxHarness
    const harness = (): OutboxHarness => opened
    beforeEach(async () => {
      opened = await OutboxHarness.open(suite)
    })
    afterEach(() => opened[Symbol.asyncDispose]())

    describe('append', () => appendTests(harness))
    describe('usage that is open', () => openTests(harness, suite.reopen !== undefined))
    describe('claim', () => claimTests(harness))
    describe('lingering', () => lingerTests(harness))
    describe('settle', () => settleTests(harness))
    describe('marks', () => markTests(harness))
    describe('uncertainty', () => uncertainTests(harness))
    describe('distrust', () => distrustTests(harness))
    describe('dead letters', () => deadLetterTests(harness))
    describe('unattributed records', () => unattributedTests(harness))
    describe('progress', () => progressTests(harness))
    describe('ledger', () => ledgerTests(harness))
    describe('ledger queries', () => ledgerQueryTests(harness))
    describe('corrections', () => correctionTests(harness))
    describe('known sinks', () => knownSinkTests(harness))
    describe('covered records', () => coveredTests(harness))
    describe('held usage', () => heldUsageTests(harness))
    describe('names of sinks', () => sinkNameTests(harness))
    describe('refused events', () => refusedEventTests(harness))
    if (suite.reopen !== undefined) describe('shared', () => sharedTests(harness))
  })
}
