import { text } from '@token-meter/core/wire'
import { secondsUsage } from '../usage/seconds.ts'
import type { JobKind } from './job-kind.ts'

/**
 * Videos, billed by the second. Only those that this process asked for: of an extended video the
 * answer tells the length of the whole, and the request that of the new part.
 */
export const videos: JobKind = {
  endpoint: 'videos',
  isFinished: (status) => status === 'completed' || status === 'failed',
  read({ status, model, seconds }, _, created) {
    if (status === 'failed') return []
    const { tokens, details, problems } = secondsUsage(created.seconds ?? seconds)
    return [
      {
        tokens,
        details,
        problems,
        model: text(model) ?? text(created.model),
        serviceTier: undefined,
        raw: undefined,
      },
    ]
  },
}
