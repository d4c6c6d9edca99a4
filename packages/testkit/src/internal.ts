/**
 * For the tests of this repository alone, and not published: recorded traffic, which is not part of
 * it, servers and processes of its own.
 * @module
 */
export { recordings, type ExpectedRecord, type Recording } from './internal/recordings.ts'
export {
  nanoToUsd,
  recordedCalls,
  usdToNano,
  type RecordedCall,
} from './internal/recorded-calls.ts'
export { runZeroConfig, type ZeroConfigRun } from './internal/run-zero-config.ts'
export { sharedFolder, stripeOpenApi } from './internal/shared-folder.ts'
export { startPostgres, type PostgresServer } from './internal/postgres-server.ts'
export { followedTwice, recordedEvents, type FollowedStream } from './internal/skimmed-streams.ts'
export {
  documentedMethods,
  parsedRows,
  type DocumentedMethod,
  type MethodRow,
  type Verdict,
} from './internal/method-tables.ts'
export { refuses, startGuarded, type Guarded } from './internal/start-guarded.ts'
export {
  RefusedError,
  watchedGuard,
  type WatchedGuard,
  watchedOutbox,
} from './provider-suite/watched-guard.ts'
