/** What a request came to: `GET /usage/{id}`. */
import type { Outbox, UsageRecord } from '@token-meter/core/outbox'
import type { Caller } from '../caller.ts'
import { type ChargeBy, mayCharge } from '../payer/payer.ts'
import { GatewayRefusal } from '../refusal.ts'
import { exactSum } from './exact-sum.ts'
import { openRequestRecords, type RequestRecords } from './request-records.ts'

/** Amounts are exact decimals of USD, such as `'0.0012345'`; `null` where no price is known. */
export interface RequestUsage {
  /** As `x-token-meter-request-id` said. */
  readonly id: string
  readonly customer: string | null
  readonly currency: 'USD'
  /** What the customer is billed for all of it. */
  readonly billed: string | null
  /** What the provider charges for all of it: for the admin key alone. */
  readonly cost?: string | null
  readonly tokens: UsageRecord['tokens']
  /** One for each model that answered. */
  readonly records: readonly RecordUsage[]
}

export interface RecordUsage extends Pick<
  UsageRecord,
  'id' | 'at' | 'provider' | 'model' | 'endpoint' | 'tokens' | 'details' | 'outcome' | 'unbilled'
> {
  readonly billed: string | null
  readonly cost?: string | null
}

export interface UsageLookup {
  /**
   * A request has led to these records, whose ids need not be its own. Nothing is written for the one
   * that has it. Never throws.
   */
  note(id: string, records: readonly Pick<UsageRecord, 'id'>[]): void
  /**
   * @param caller whose it must be; `'admin'` for the admin key, which sees all.
   * @throws GatewayRefusal 404 for one that there is not (yet), or that is not the caller's; 503 where the store is away.
   */
  usageOf(id: string, caller: Caller | 'admin'): Promise<RequestUsage>
}

export interface UsageLookupOptions {
  /** Where the records are. */
  readonly outbox: Outbox
  /** Whom keys are charged for: it says whose a record is. */
  readonly chargeBy: ChargeBy
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
  /** Told of what could not be written down. @default nobody */
  readonly onError?: (error: unknown) => void
}

/** As long as records are mostly kept. */
const keptMs = 400 * 86_400_000
const pruneMs = 3_600_000

/** @throws ConfigError for an outbox that has no place for it. */
export function usageLookup(options: UsageLookupOptions): UsageLookup {
  const { outbox, chargeBy, now = Date.now, onError = () => undefined } = options
  const noted = openRequestRecords(outbox)
  const writing = new Map<string, Promise<void>>()
  let prunedAt = now()

  const write = async (id: string, records: readonly string[]) => {
    try {
      const at = now()
      await noted.add(id, records, at + keptMs)
      if (at - prunedAt < pruneMs) return
      prunedAt = at
      await noted.prune(at)
    } catch (error) {
      onError(error)
    }
  }

  return {
    note(id, records) {
      const others = records.map((record) => record.id).filter((each) => each !== id)
      if (others.length === 0) return
      const before = writing.get(id) ?? Promise.resolve()
      const after = before
        .then(() => write(id, others))
        .finally(() => {
          if (writing.get(id) === after) writing.delete(id)
        })
      writing.set(id, after)
    },
    async usageOf(id, caller) {
      let records: readonly UsageRecord[]
      try {
        await writing.get(id)
        records = await recordsOf(id, outbox, noted)
      } catch (cause) {
        const message = 'Usage cannot be looked up at the moment: try again'
        throw new GatewayRefusal(503, 'unavailable', message, { cause, retryAfterMs: 1_000 })
      }
      const isSeen = ({ customer }: UsageRecord) =>
        caller === 'admin' || (customer !== null && mayCharge(caller, customer, chargeBy))
      if (records.length === 0 || !records.every(isSeen)) throw notThere()
      return shown(id, records, caller === 'admin')
    },
  }
}

/** Ids are UUIDs: what is none is not asked for. */
const idShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

async function recordsOf(
  id: string,
  outbox: Outbox,
  noted: RequestRecords,
): Promise<readonly UsageRecord[]> {
  if (!idShape.test(id)) return []
  const ids = new Set([id, ...(await noted.of(id))])
  const found = await Promise.all([...ids].map((each) => outbox.find(each)))
  return found.filter((record) => record !== undefined)
}

function shown(id: string, records: readonly UsageRecord[], isAdmin: boolean): RequestUsage {
  const lines = records.map((record) => recordUsage(record, isAdmin))
  const total = (amounts: readonly (string | null)[]): string | null =>
    amounts.includes(null) ? null : exactSum(amounts as readonly string[])
  const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
  for (const line of lines) {
    for (const name of Object.keys(tokens) as (keyof typeof tokens)[]) {
      tokens[name] += line.tokens[name]
    }
  }
  return {
    id,
    customer: records[0]?.customer ?? null,
    currency: 'USD',
    billed: total(lines.map(({ billed }) => billed)),
    ...(isAdmin && { cost: total(lines.map(({ cost }) => cost ?? null)) }),
    tokens,
    records: lines,
  }
}

function recordUsage(record: UsageRecord, isAdmin: boolean): RecordUsage {
  const { id, at, provider, model, endpoint, tokens, details, outcome, unbilled, cost } = record
  return {
    id,
    at,
    provider,
    model,
    endpoint,
    tokens,
    details,
    outcome,
    ...(unbilled !== undefined && { unbilled }),
    billed: unbilled === undefined ? (cost?.billed ?? null) : '0',
    ...(isAdmin && { cost: cost?.provider ?? null }),
  }
}

function notThere(): GatewayRefusal {
  return new GatewayRefusal(
    404,
    'not_found',
    'There is no usage under this id: it is that of the header x-token-meter-request-id, of an answer that is over',
  )
}
