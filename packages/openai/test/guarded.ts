import { startGuarded as start, type WatchedGuard } from '@token-meter/testkit/internal'
import { openaiProvider } from '../src/index.ts'
import type { SdkClass } from './sdk-majors.ts'

let runs = 0

/** A client of OpenAI's that is metered under a watched guard. */
export function startGuarded(OpenAI: SdkClass, first?: WatchedGuard['first'], client: object = {}) {
  // What a server refuses is remembered by base URL, and ports are used again.
  const path = `guarded-${runs++}/v1`
  return start(
    openaiProvider,
    (url, more) =>
      new OpenAI({
        apiKey: 'sk-test',
        baseURL: `${url}/${path}`,
        maxRetries: 0,
        ...client,
        ...more,
      }),
    first && { first },
  )
}
