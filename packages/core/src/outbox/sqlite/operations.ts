import type { DatabaseSync } from 'node:sqlite'
import { prepareAppend } from './append.ts'
import { prepareClaim } from './claim.ts'
import { prepareCorrect } from './correct.ts'
import { prepareDeadLetters } from './dead-letters.ts'
import { type HeartbeatOptions, prepareHeartbeat } from './heartbeat.ts'
import { prepareKnownSinks } from './known-sinks.ts'
import { prepareLedger } from './ledger.ts'
import { prepareLedgerPage } from './ledger-page.ts'
import { prepareProgress } from './progress.ts'
import { prepareHeld } from './held-usage.ts'
import { preparePrune } from './prune.ts'
import { prepareRename } from './rename-sink.ts'
import { prepareSettle } from './settle.ts'
import { prepareSinkUsers } from './sink-users.ts'

export type Operations = ReturnType<typeof prepareOperations>

/** Everything that is done with an open file. */
export function prepareOperations(database: DatabaseSync, options: HeartbeatOptions) {
  const { now } = options
  const heartbeat = prepareHeartbeat(database, options)
  return {
    write: prepareAppend(database),
    claim: prepareClaim(database, now, heartbeat),
    ...prepareSettle(database, now),
    ...prepareProgress(database, now),
    ...prepareDeadLetters(database),
    ...prepareLedger(database),
    ledger: prepareLedgerPage(database),
    correct: prepareCorrect(database, now),
    ...prepareKnownSinks(database),
    distrust: heartbeat.distrust,
    beat: heartbeat.beat,
    ...prepareSinkUsers(database, now),
    ...prepareHeld(database),
    rename: prepareRename(database),
    prune: preparePrune(database),
  }
}
