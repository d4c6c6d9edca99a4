import {
  type KeyLimits,
  type LimitName,
  parallelRetryMs,
  rateRefusal,
  type Rates,
} from './rates.ts'

/** What a key has used. */
interface Used {
  /** What it was held to when it was used last. */
  limits: KeyLimits
  requests: number
  tokens: number
  /** When these were so much, in ms since the epoch. */
  at: number
  running: number
}

const minuteMs = 60_000
/** Keys that owe nothing are forgotten once there are so many. */
const sweepAbove = 10_000
/** What a sum of parts of a minute is off by. */
const slack = 1e-6

/** Counts what this process lets in. */
export function processRates(now: () => number): Rates {
  const usedBy = new Map<string, Used>()
  let sweepAt = sweepAbove

  const usedNow = (limits: KeyLimits): Used => {
    const at = now()
    let used = usedBy.get(limits.id)
    if (used === undefined) {
      if (usedBy.size >= sweepAt) sweep(at)
      used = { limits, requests: 0, tokens: 0, at, running: 0 }
      usedBy.set(limits.id, used)
    }
    used.limits = limits
    passTime(used, at)
    return used
  }
  const sweep = (at: number) => {
    for (const [id, used] of usedBy) {
      passTime(used, at)
      if (used.running === 0 && used.requests === 0 && used.tokens === 0) usedBy.delete(id)
    }
    sweepAt = Math.max(sweepAbove, usedBy.size * 2)
  }

  return {
    enter(limits) {
      const used = usedNow(limits)
      const refused = refusedBy(limits, used)
      if (refused !== undefined) throw rateRefusal(...refused)
      used.requests += 1
      used.running += 1
      let isOver = false
      return {
        leave(tokens) {
          if (isOver) return
          isOver = true
          const left = usedNow(limits)
          left.running = Math.max(0, left.running - 1)
          left.tokens += tokens ?? 0
        },
      }
    },
    close: async () => undefined,
  }
}

/** The debt goes down. A clock that was put back lets nobody off. */
function passTime(used: Used, at: number): void {
  const minutes = Math.max(0, at - used.at) / minuteMs
  const { requestsPerMinute, tokensPerMinute } = used.limits
  used.requests = debtAfter(minutes, used.requests, requestsPerMinute)
  used.tokens = debtAfter(minutes, used.tokens, tokensPerMinute)
  used.at = at
}

function debtAfter(minutes: number, debt: number, perMinute: number | undefined): number {
  return perMinute === undefined ? 0 : Math.max(0, debt - minutes * perMinute)
}

/** The limit that is waited for longest. */
function refusedBy(
  { requestsPerMinute, tokensPerMinute, parallelRequests }: KeyLimits,
  { requests, tokens, running }: Used,
): readonly [LimitName, number, number] | undefined {
  const waits: (readonly [LimitName, number, number])[] = []
  if (requestsPerMinute !== undefined && requests + 1 > requestsPerMinute + slack) {
    const waitMs = ((requests + 1 - requestsPerMinute) * minuteMs) / requestsPerMinute
    waits.push(['requests_per_minute', requestsPerMinute, waitMs])
  }
  if (tokensPerMinute !== undefined && tokens >= tokensPerMinute - slack) {
    const waitMs = ((tokens - tokensPerMinute) * minuteMs) / tokensPerMinute + 1
    waits.push(['tokens_per_minute', tokensPerMinute, waitMs])
  }
  if (parallelRequests !== undefined && running >= parallelRequests) {
    waits.push(['parallel_requests', parallelRequests, parallelRetryMs])
  }
  return waits.toSorted(([, , a], [, , b]) => b - a)[0]
}
