import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { startFakeServer, type FakeServer } from '../http/fake-server.ts'
import type { Fault } from '../http/fault.ts'
import { parseJson } from '../http/parse-json.ts'
import { createEventsOnce } from '../sums/events-once.ts'
import { billedCosts, billedTokens, type BilledCost, type BilledTokens } from './billed-tokens.ts'
import type { FakeMetronomeOptions } from './fake-metronome-options.ts'
import { brokenRule } from './usage-event-rules.ts'
import type { UsageEvent } from './usage-event.ts'

/** Metronome's `POST /v1/ingest` on this machine, over real HTTP. */
export interface FakeMetronome extends FakeServer {
  /** Without a slash at the end; the `baseUrl` of a client. */
  readonly url: string
  readonly bearerToken: string
  /** Every event that was accepted, in order of arrival, without duplicates. */
  readonly events: readonly UsageEvent[]
  /** Accepted events that are on no bill: of an unknown customer, or a type without a metric. */
  readonly unmatched: readonly UsageEvent[]
  /** How many events were ignored, as Metronome had their transaction id. */
  readonly duplicates: number
  /** Sums of tokens per customer, provider, model and token type, of what is matched. */
  billed(): readonly BilledTokens[]
  /** Exact sums of the `cost` property per customer and model, of what is matched. */
  billedCosts(): readonly BilledCost[]
  /** Makes an id or ingest alias known; what was sent for it before is billed then, too. */
  addCustomer(idOrAlias: string): void
  /** Makes a billable metric for an event type; what was sent before is billed then, too. */
  addEventType(eventType: string): void
}

/** For how long a transaction id that was accepted is known. */
const duplicateWindowMs = 34 * 24 * 60 * 60_000

/** Starts a fake Metronome. */
export async function startFakeMetronome(
  options: FakeMetronomeOptions = {},
): Promise<FakeMetronome> {
  const { bearerToken = 'metronome-token-fake', mayIngest = true } = options
  const { eventsPerSecond = Infinity } = options
  const customers = options.customers && new Set(options.customers)
  const eventTypes = options.eventTypes && new Set(options.eventTypes)
  const ledger = createEventsOnce(duplicateWindowMs, (event: UsageEvent) => event.transaction_id)
  let recent: readonly { readonly at: number; readonly count: number }[] = []

  const isMatched = ({ customer_id: customer, event_type: type }: UsageEvent) =>
    (customers?.has(customer) ?? true) && (eventTypes?.has(type) ?? true)
  const matched = () => ledger.events.filter(isMatched)

  function isOverRate(count: number, at: number): boolean {
    recent = recent.filter((earlier) => earlier.at > at - 1000)
    if (recent.reduce((sum, earlier) => sum + earlier.count, count) > eventsPerSecond) return true
    recent = [...recent, { at, count }]
    return false
  }

  function answer({ method, path, headers, rawBody, at }: FakeRequest): FakeAnswer {
    const token = String(headers.authorization ?? '').replace(/^Bearer /, '')
    // Metronome would not repeat it; a client that lets one through shows by this.
    if (token !== bearerToken) return refused(401, `Unauthorized: ${token}`)
    if (method !== 'POST' || path !== '/v1/ingest') return refused(404, 'Not Found')
    if (!mayIngest) return refused(403, `Forbidden: the token ${token} may not use this endpoint`)
    if (!/^application\/json\b/.test(String(headers['content-type']))) {
      return refused(415, 'Unsupported Media Type')
    }
    const body = parseJson(rawBody)
    const broken = brokenRule(body, at)
    if (broken !== undefined) return refused(400, broken)
    const events = body as readonly UsageEvent[]
    if (isOverRate(events.length, at)) return refused(429, 'Too Many Requests')
    for (const event of events) ledger.add(event, at)
    return { status: 200, headers: { 'content-length': '0' }, body: '' }
  }

  const server = await startFakeServer({ answer, faultyAnswer }, options)
  return {
    ...server,
    bearerToken,
    events: ledger.events,
    get unmatched() {
      return ledger.events.filter((event) => !isMatched(event))
    },
    get duplicates() {
      return ledger.duplicates
    },
    billed: () => billedTokens(matched()),
    billedCosts: () => billedCosts(matched()),
    addCustomer: (idOrAlias) => void customers?.add(idOrAlias),
    addEventType: (eventType) => void eventTypes?.add(eventType),
  }
}

function refused(status: number, message: string): FakeAnswer {
  return { status, body: { message } }
}

function faultyAnswer({ status = 200, headers = {}, body }: Fault): FakeAnswer {
  const usual = { message: `Refused with status ${status}` }
  return { status, headers, body: body ?? usual }
}
