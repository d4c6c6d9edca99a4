import { nearestName } from '../lib/nearest-name.ts'
import { type AttributeValues, isCustomerId, toAttributes } from '../call/customer.ts'
import { ConfigError } from '../errors/errors.ts'
import {
  boundedCode,
  boundedDetails,
  boundedModel,
  boundedUsage,
  isProviderId,
  providerIds,
} from '../wire/bounded-usage.ts'
import { mintRecordId } from '../usage/record-id.ts'
import { type TokenCounts, tokenCounts, tokenTypes } from '../usage/token-counts.ts'
import type { UsageDetails } from '../usage/usage-details.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** Usage that an application knows itself, for `meter.record()`. */
export interface ManualUsage {
  readonly customer: string
  /** `openai`, `anthropic`, your own server's name, ... */
  readonly provider: string
  /** Cut to 256 characters. */
  readonly model: string
  /** Disjoint counts; what is left out is 0. */
  readonly tokens: Partial<TokenCounts>
  /**
   * Recording the same usage again under the same id records nothing: give one where you might repeat
   * yourself. Other usage under it is refused, for as long as the first is in the ledger
   * (`retentionMs`). At most 80 characters.
   */
  readonly id?: string
  /** @default 'manual' */
  readonly endpoint?: string
  /** ms since the epoch. @default now */
  readonly at?: number
  readonly attributes?: AttributeValues
  readonly details?: UsageDetails
  /**
   * How many requests this is the sum of; `null` for several of a number that is not known. Prices
   * for long contexts and per request depend on it. @default 1
   */
  readonly requests?: number | null
  /** Cut to 64 characters. */
  readonly serviceTier?: string
  /**
   * Why nobody is to be billed for it, as a code of at most 64 characters such as `trial` or
   * `linked`: the record is kept, costs 0, and makes no meter event. @default billed
   */
  readonly unbilled?: string
  /** The provider's own id of the response, at most 256 characters, for the ledger. */
  readonly responseId?: string
  /** The provider's own id of the request (header `x-request-id`), at most 256 characters. */
  readonly requestId?: string
  /** False for test usage. @default the meter's own; with `recordIn` of Postgres TOKEN_METER_MODE */
  readonly livemode?: boolean
  /**
   * The provider's usage object, for the ledger: numbers, and texts of at most 64 characters, are
   * kept of it. No prompt or completion text.
   */
  readonly raw?: unknown
}

/**
 * A record from an application's own usage.
 * @throws TypeError for a missing customer, provider, model or tokens, an unknown name or type of
 * token, a wrong id (of the record, the response or the request), a reason for not billing that is no
 * code, or a time that is no number;
 * RangeError for counts that are not whole numbers from 0 up, or requests from 1 up; ConfigError for
 * reserved attributes.
 */
export function toUsageRecord(usage: ManualUsage): UsageRecord {
  if (typeof usage !== 'object' || usage === null) {
    throw new TypeError(`record() expected an object of usage, got ${String(usage)}`)
  }
  for (const name of ['customer', 'provider', 'model'] as const) {
    if (!isCustomerId(usage[name])) {
      throw new TypeError(`record() expected ${name} to be a non-empty string`)
    }
  }
  checkNames(usage)
  checkId(usage.id)
  checkUnbilled(usage.unbilled)
  checkProviderId('responseId', usage.responseId)
  checkProviderId('requestId', usage.requestId)
  checkTokenNames(usage.tokens)
  const at = usage.at ?? Date.now()
  if (!Number.isSafeInteger(at) || at < 0) {
    throw new TypeError(`record() expected at to be ms since the epoch, got ${String(at)}`)
  }
  checkRequests(usage.requests)
  if (usage.livemode !== undefined && typeof usage.livemode !== 'boolean') {
    throw new TypeError(
      `record() expected livemode to be true or false, got ${String(usage.livemode)}`,
    )
  }
  const { attributes, refused } = toAttributes(usage.attributes ?? {})
  if (refused.length > 0) throw new ConfigError(refused.join('; '))
  return {
    id: usage.id ?? mintRecordId(at),
    customer: usage.customer,
    provider: usage.provider,
    model: boundedModel(usage.model),
    requestedModel: null,
    endpoint: usage.endpoint ?? 'manual',
    tokens: tokenCounts(usage.tokens),
    details: boundedDetails(usage.details ?? {}),
    outcome: 'complete',
    at,
    serviceTier: typeof usage.serviceTier === 'string' ? boundedCode(usage.serviceTier) : null,
    attributes,
    ...(usage.unbilled !== undefined && { unbilled: usage.unbilled }),
    ...(usage.requests !== undefined && usage.requests !== 1 && { requests: usage.requests }),
    ...providerIds(usage.responseId, usage.requestId),
    ...(usage.livemode !== undefined && { livemode: usage.livemode }),
    raw: boundedUsage(usage.raw),
  }
}

/** A record that was kept is taken too: what an error handed over is recorded again as it is. */
const known: Readonly<Record<keyof ManualUsage | keyof UsageRecord, true>> = {
  id: true,
  customer: true,
  provider: true,
  model: true,
  requestedModel: true,
  responseId: true,
  requestId: true,
  requests: true,
  parts: true,
  endpoint: true,
  tokens: true,
  details: true,
  outcome: true,
  at: true,
  serviceTier: true,
  attributes: true,
  unbilled: true,
  livemode: true,
  cost: true,
  raw: true,
}

function checkNames(usage: object): void {
  const unknown = Object.keys(usage).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return
  const meant = nearestName(unknown, Object.keys(known))
  const hint = meant === undefined ? '' : `: did you mean "${meant}"?`
  throw new TypeError(`record() does not know "${unknown}"${hint}`)
}

/** An event's id is the record's and a type of token, and backends take 100 characters. */
const longestId = 80

function checkId(id: unknown): void {
  if (id === undefined || (isCustomerId(id) && id.length <= longestId)) return
  throw new TypeError(
    `record() expected id to be a non-empty string of at most ${longestId} characters`,
  )
}

/** It decides that nobody pays: it is a code, and never a text that happens to be empty. */
function checkUnbilled(code: unknown): void {
  if (code === undefined || (typeof code === 'string' && /^[\w:.-]{1,64}$/.test(code))) return
  throw new TypeError(
    "record() expected unbilled to be a code of 1 to 64 letters, digits or any of _:.- such as 'trial'",
  )
}

function checkProviderId(name: string, id: unknown): void {
  if (id === undefined || id === null || isProviderId(id)) return
  throw new TypeError(
    `record() expected ${name} to be a non-empty string of at most 256 characters`,
  )
}

function checkRequests(requests: unknown): void {
  if (requests === undefined || requests === null) return
  if (Number.isSafeInteger(requests) && (requests as number) > 0) return
  throw new RangeError(
    `record() expected requests to be a whole number from 1 up, or null, got ${String(requests)}`,
  )
}

/** A count under another name would be lost without a word. */
function checkTokenNames(tokens: unknown): void {
  if (typeof tokens !== 'object' || tokens === null || Array.isArray(tokens)) {
    throw new TypeError(
      'record() expected tokens to be an object of counts, such as { input: 10, output: 2 }',
    )
  }
  const known: readonly string[] = tokenTypes.map(({ count }) => count)
  const unknown = Object.keys(tokens).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`record() does not know tokens.${unknown}: expected ${known.join(', ')}`)
}
