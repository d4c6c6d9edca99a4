import { startReplayServer } from '@token-meter/testkit'
import {
  RefusedError,
  watchedGuard,
  type WatchedGuard,
  watchedOutbox,
} from '@token-meter/testkit/internal'
import { createMeter, openaiProvider, type UsageRecord } from '../src/index.ts'
import type { SdkClass } from './sdk-majors.ts'

let runs = 0

/** A provider on loopback, a client of it that is metered under a watched guard, and what became of its calls. */
export async function startGuarded(
  OpenAI: SdkClass,
  first?: WatchedGuard['first'],
  client: object = {},
) {
  const server = await startReplayServer()
  const guard = watchedGuard(first)
  const outbox = watchedOutbox()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox,
    guard,
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const baseURL = `${server.url}/guarded-${runs++}/v1`
  const newClient = (more: object = {}) =>
    new OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0, ...client, ...more })
  return {
    server,
    guard,
    outbox,
    meter,
    records,
    errors,
    newClient,
    metered: meter(newClient(), 'cus_1'),
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** The first of a guard that refuses every call. */
export const refuses = (): never => {
  throw new RefusedError()
}
