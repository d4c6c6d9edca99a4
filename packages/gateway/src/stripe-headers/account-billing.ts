/** Records that came with Stripe's headers, at the accounts of their keys. Nothing of one account delays another's. */
import {
  type Batch,
  type BatchEntry,
  messageOf,
  reportsProgress,
  type SendProgress,
  type Sink,
  type SinkResult,
  uncertainRefusal,
} from '@token-meter/core/adapter'
import { AccountSinks } from './account-sinks.ts'
import type { HeaderCounts } from './header-counts.ts'
import { contextOf, type HeaderRow } from './header-note.ts'
import type { KeySeal } from './sealed-key.ts'

/** The entry of a record, and what is known of its headers. */
export interface HeaderEntry {
  readonly entry: BatchEntry
  readonly row: HeaderRow
}

export interface AccountBillingOptions {
  /** `undefined` without a secret. */
  readonly seal: KeySeal | undefined
  readonly connect: (apiKey: string) => Sink
  readonly counts: HeaderCounts
  readonly giveUpAfterMs: number
}

/** How long one account may hold a batch up, in ms. */
const accountMs = 30_000
/** How long a record waits that could not be sent, in ms: doubled each time. Others of its batch may wait with it. */
const againMs = { first: 1000, most: 60_000 }

/** After so many batches of which an account took nothing, it is not asked for a while. */
const restAfter = 10
const forgetMs = 60 * 60 * 1000

interface Rest {
  /** In a row. */
  readonly failures: number
  /** When it may be asked again, in ms since the epoch. */
  readonly until: number
  readonly at: number
  readonly reason: string
}

type Retry = Extract<SinkResult, { status: 'retry' }>

export class AccountBilling {
  readonly #options: AccountBillingOptions
  readonly #sinks: AccountSinks
  /** Accounts that have taken nothing, by their keys, and until when they are not asked. */
  readonly #resting = new Map<string, Rest>()

  constructor(options: AccountBillingOptions) {
    this.#options = options
    this.#sinks = new AccountSinks(options.connect)
  }

  /** One result for each, in order. Never rejects. */
  async send(
    all: readonly HeaderEntry[],
    batch: Batch,
    signal: AbortSignal,
    progress: SendProgress | undefined,
  ): Promise<readonly SinkResult[]> {
    const results: SinkResult[] = []
    const byKey = new Map<string, number[]>()
    for (const [index, each] of all.entries()) {
      const what = this.#keyOf(each)
      if (typeof what === 'string') byKey.set(what, [...(byKey.get(what) ?? []), index])
      else results[index] = what
    }
    const sending = [...byKey].map(async ([apiKey, places]) => {
      const own = places.map((place) => all[place] as HeaderEntry)
      const answers = await this.#sendTo(apiKey, own, batch, signal, progress)
      for (const [index, place] of places.entries()) {
        results[place] = this.#told(own[index] as HeaderEntry, answers[index], apiKey)
      }
    })
    await Promise.all(sending)
    return results
  }

  async close(): Promise<void> {
    await this.#sinks.close()
  }

  /** The key that a record is billed by, or its result where it is not sent now. */
  #keyOf({ entry, row }: HeaderEntry): string | SinkResult {
    const { record, attempts } = entry
    if (row.sealed === null) {
      if (row.why === 'gone') return this.#final({ entry, row }, gone)
      if (attempts === 0) this.#options.counts.unsent(row.why ?? 'no_secret')
      return { status: 'accepted' }
    }
    if (record.unbilled !== undefined) return { status: 'accepted' }
    if (record.outcome !== 'complete') {
      if (attempts === 0) this.#options.counts.unsent('not_whole')
      return { status: 'accepted' }
    }
    const apiKey = this.#options.seal?.open(row.sealed, contextOf(row))
    if (apiKey !== undefined) return apiKey
    return this.#told({ entry, row }, { status: 'retry', reason: otherSecret }, undefined)
  }

  async #sendTo(
    apiKey: string,
    own: readonly HeaderEntry[],
    batch: Batch,
    signal: AbortSignal,
    progress: SendProgress | undefined,
  ): Promise<readonly SinkResult[]> {
    const { until = 0, reason = '' } = this.#resting.get(apiKey) ?? {}
    const afterMs = until - Date.now()
    if (afterMs > 0) return own.map(() => ({ status: 'retry', reason, afterMs }))
    const entries = own.map(({ entry, row }) => ({
      ...entry,
      record: { ...entry.record, customer: row.customer },
    }))
    const within = AbortSignal.any([signal, AbortSignal.timeout(accountMs)])
    let results: readonly SinkResult[]
    try {
      results = await this.#sinks.use(apiKey, async (sink) => {
        const isLive = sink.livemode !== false
        if (isLive && own.some(({ entry }) => entry.record.livemode === false)) {
          return own.map(() => testUsage)
        }
        return await sendReported(sink, { ...batch, entries }, within, progress)
      })
    } catch (cause) {
      const reason = `it could not be sent: ${messageOf(cause)}`
      results = own.map(() => ({ status: 'retry', reason, uncertain: true }))
    }
    this.#rest(apiKey, results)
    return results
  }

  /** An account that has taken nothing is not asked for each record of it. */
  #rest(apiKey: string, results: readonly SinkResult[]): void {
    const [first] = results
    if (first?.status !== 'retry' || results.some(({ status }) => status !== 'retry')) {
      this.#resting.delete(apiKey)
      return
    }
    const now = Date.now()
    const failures = (this.#resting.get(apiKey)?.failures ?? 0) + 1
    const until = failures < restAfter ? 0 : now + againMs.most
    this.#resting.set(apiKey, {
      failures,
      until,
      at: now,
      reason: withoutKey(first.reason, apiKey),
    })
    for (const [key, { at }] of this.#resting) if (at < now - forgetMs) this.#resting.delete(key)
  }

  /** The result of a record as the outbox gets it: without the key, and with an end to its attempts. */
  #told(each: HeaderEntry, result: SinkResult | undefined, apiKey: string | undefined): SinkResult {
    const { counts } = this.#options
    if (result === undefined) {
      return this.#again(each, { status: 'retry', reason: 'it got no answer', uncertain: true })
    }
    if (result.status === 'accepted') {
      counts.billed()
      return result
    }
    const shown = { ...result, reason: withoutKey(result.reason, apiKey) }
    return shown.status === 'retry' ? this.#again(each, shown) : this.#final(each, shown)
  }

  #again(each: HeaderEntry, retry: Retry): SinkResult {
    const { firstAttemptAt = Date.now(), uncertainSince, attempts } = each.entry
    const leftMs = firstAttemptAt + this.#options.giveUpAfterMs - Date.now()
    if (leftMs <= 0) {
      const since = uncertainSince ?? (retry.uncertain === true ? firstAttemptAt : undefined)
      const why = since === undefined ? { code: failedCode } : uncertainRefusal(since)
      const { deliveredEventIds, reason } = retry
      const delivered = deliveredEventIds && { deliveredEventIds }
      return this.#final(each, { status: 'rejected', reason, ...delivered, ...why })
    }
    this.#tell(each, retry.reason, false)
    const own = againMs.first * 2 ** Math.min(attempts, 10)
    const afterMs = Math.min(againMs.most, leftMs, Math.max(own, retry.afterMs ?? 0))
    return { ...retry, afterMs, recordOnly: true }
  }

  #final(each: HeaderEntry, result: Extract<SinkResult, { status: 'rejected' }>): SinkResult {
    this.#tell(each, result.reason, true)
    return result
  }

  #tell({ entry, row }: HeaderEntry, reason: string, isFinal: boolean): void {
    const { customer } = row
    this.#options.counts.failed({ recordId: entry.record.id, customer, reason, isFinal })
  }
}

const failedCode = 'stripe_meter_failed'

const gone = {
  status: 'rejected',
  code: 'stripe_headers_gone',
  reason:
    'it came with a restricted key of its own, which is not kept any more: bill it by hand, or outbox.discard it',
} as const

const testUsage = {
  status: 'rejected',
  code: 'stripe_headers_livemode',
  reason: 'it is test usage, and came with a key for live mode',
} as const

const otherSecret =
  'its restricted key was sealed under another secret: set TOKEN_METER_SECRET to what it was'

/** Sends by a sink that may not say itself what it sends. */
async function sendReported(
  sink: Sink,
  batch: Batch,
  signal: AbortSignal,
  progress: SendProgress | undefined,
): Promise<readonly SinkResult[]> {
  if (progress === undefined || reportsProgress(sink)) {
    return await sink.send(batch, signal, progress)
  }
  const request = await progress.sending([
    { recordIds: batch.entries.map(({ record }) => record.id) },
  ])
  request.check()
  const results = await sink.send(batch, signal)
  const isKnown = results.every((result) => result.status !== 'retry' || result.uncertain !== true)
  if (isKnown) request.over()
  return results
}

function withoutKey(text: string, apiKey: string | undefined): string {
  const own = apiKey === undefined ? text : text.replaceAll(apiKey, '[key]')
  return own.replaceAll(/\b(?:sk|rk|pk|ek|whsec)_[\w*]+/g, '[key]')
}
