/** One request with events, and what its answer means for them. */
import {
  requestWithin,
  failureMessages,
  messageOf,
  noAnswer,
  passingFailure,
  retryAfterMs,
  wrongSetupAfterMs,
  type EventOutcome,
  type EventRetry,
  type NetworkFailure,
  type RequestOutcome,
} from '@token-meter/core/sink'
import type { LagoClient } from './lago-client.ts'
import type { LagoEvent } from './lago-events.ts'

/** Sends up to 100 events in one request, once. Never throws. */
export async function ingest(
  client: LagoClient,
  events: readonly LagoEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  try {
    const { data } = await requestWithin(timeoutMs, signal, (own) =>
      client.events.createBatchEvents({ events: [...events] }, { signal: own, redirect: 'manual' }),
    )
    return takenBy(data, events) ?? notLagos
  } catch (error) {
    if (!signal.aborted) return outcomeOf(error, events.length, Date.now())
    const reason = `stopped before Lago answered: ${messageOf(signal.reason)}`
    return { status: 'retry', scope: 'backend', reason, uncertain: true }
  }
}

/** What the answer says was taken; `undefined` when it is not Lago's. */
function takenBy(data: unknown, events: readonly LagoEvent[]): RequestOutcome | undefined {
  const taken = (data as { events?: unknown } | null)?.events
  if (!Array.isArray(taken)) return undefined
  const ids = taken.map((event: unknown) => (event as Partial<LagoEvent> | null)?.transaction_id)
  // The answer of a version that names none; all or nothing is its rule.
  const namesNone = ids.every((id) => id === undefined) && ids.length === events.length
  const named = new Set(ids)
  if (namesNone || events.every(({ transaction_id: id }) => named.has(id))) {
    return { status: 'accepted' }
  }
  const outcomes = events.map((event, place): [number, EventOutcome] => [
    place,
    named.has(event.transaction_id) ? { status: 'accepted' } : notNamed,
  ])
  return { status: 'judged', outcomes: new Map(outcomes) }
}

const notNamed: EventRetry = {
  status: 'retry',
  scope: 'backend',
  reason: "Lago's answer does not name it among the events that it took",
  uncertain: true,
}

const notLagos: EventRetry = {
  status: 'retry',
  scope: 'backend',
  reason: "the answer is not Lago's: check that apiUrl is the address of Lago's API",
  uncertain: true,
}

/** An answer that is no success, as the client throws it: a Response with its body parsed. */
interface LagoRefusal {
  readonly status: number
  readonly headers: Headers
  readonly error?: unknown
}

export function isRefusal(error: unknown): error is LagoRefusal {
  const { status, headers } = (error ?? {}) as Partial<LagoRefusal>
  return typeof status === 'number' && typeof headers?.get === 'function'
}

/**
 * What an error of the client means for the events of a request. Refusals are Lago's only where the
 * body says so; nothing becomes a dead letter because of a proxy, a key or an address.
 * @param count how many events the request had.
 */
export function outcomeOf(error: unknown, count: number, nowMs: number): RequestOutcome {
  if (!isRefusal(error)) return withoutAnswer(error)
  const { status, headers, error: body } = error
  const said = quoted(body)
  const passing = passingFailure({
    backend: 'Lago',
    status,
    message: said === '' ? 'no message' : said,
    nowMs,
    busyScope: 'event',
  })
  if (passing !== undefined) {
    const wait = { ...passing, afterMs: waitAskedFor(headers, nowMs) }
    return status === 500 ? { ...wait, suspect: 'crash' } : wait
  }
  const quote = `(${status}${said === '' ? '' : ` ${said}`})`
  if (status < 400) return wrongSetup(`${wrongUrl} ${quote} ${redirectTo(headers)}`)
  if (status === 401) return wrongSetup(`${unknownKey} ${quote}.`)
  if (status === 403) return wrongSetup(`${weakKey} ${quote}.`)
  if (status === 404 || status === 405) return wrongSetup(`${wrongUrl} ${quote}.`)
  if (status === 413) return refused(`it is too large for Lago ${quote}`)
  const judged = status === 422 ? validationErrors(body, count) : undefined
  if (judged !== undefined) return judged
  if (isBadRequest(status, body)) return refused(`Lago refused it ${quote}`)
  const reason = `an answer that is not Lago's ${quote}: is there something in front of it?`
  return { ...wrongSetup(reason), scope: 'backend', suspect: 'refusal' }
}

function refused(reason: string): EventOutcome {
  return { status: 'rejected', reason, code: 'refused' }
}

function wrongSetup(reason: string): EventRetry {
  return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
}

const unknownKey =
  'Lago does not know the API key: set apiKey to one of your organization; the usage is kept and sent then'
const weakKey =
  'Lago does not let the API key write events: give the key the permission to write events; the usage is kept and sent then'
const wrongUrl =
  "there is no API of Lago's at apiUrl: set it to the address of Lago's API, such as https://api.getlago.com; the usage is kept and sent then"

function withoutAnswer(error: unknown): EventRetry {
  const { name, retryAfter } = (error ?? {}) as Partial<ClientError>
  if (name === 'LagoRateLimitError') {
    // A client of the application that itself waits after a 429 gave up.
    const afterMs = (retryAfter ?? 0) > 0 ? retryAfter : undefined
    const reason = 'too many requests for Lago (429)'
    return { status: 'retry', scope: 'account', reason, afterMs }
  }
  return noAnswer('Lago', failureMessages(error), error as NetworkFailure)
}

interface ClientError {
  readonly name: string
  /** ms. */
  readonly retryAfter: number
}

/** The code or the message of an error body; a body may be anything, and is never quoted whole. */
function quoted(body: unknown): string {
  const { code, error, message } = (body ?? {}) as Record<string, unknown>
  const text = [code, error, message].find((said) => typeof said === 'string' && said !== '')
  return body instanceof Error || text === undefined ? '' : String(text).slice(0, 200)
}

function redirectTo(headers: Headers): string {
  const to = headers.get('location')
  return to !== null && URL.canParse(to) ? `It redirects to ${new URL(to).origin}.` : ''
}

function isBadRequest(status: number, body: unknown): boolean {
  const { status: own, error } = (body ?? {}) as Record<string, unknown>
  return status === 400 && own === 400 && String(error).startsWith('BadRequest')
}

/** A year: more than that is a moment, which some proxies put there, and no wait. */
const yearMs = 366 * 24 * 3600 * 1000

/**
 * The wait that an answer asks for, in ms: `Retry-After` in seconds or as a date, else
 * `x-ratelimit-reset`, in seconds until Lago's window ends. `undefined` when there is none.
 * @see https://getlago.com/docs/api-reference/rate-limits
 */
export function waitAskedFor(headers: Headers, nowMs: number): number | undefined {
  return (
    waitMs(headers.get('retry-after'), nowMs) ?? waitMs(headers.get('x-ratelimit-reset'), nowMs)
  )
}

function waitMs(header: string | null, nowMs: number): number | undefined {
  const momentMs = Number(header) * 1000
  if (!(momentMs > yearMs) || momentMs === Infinity) return retryAfterMs(header, nowMs)
  return Math.max(0, Math.ceil(momentMs - nowMs))
}

/**
 * What a 422 of Lago says, whose `error_details` has the errors of each event by its place:
 * `{ "0": { "transaction_id": ["value_already_exist"] }, "3": "the expression's error" }`. It is
 * not said by place when the batch itself is wrong: `{ "events": ["too_many_events"] }`. Where some
 * were there already, which is found out on writing, others can have been written.
 * `undefined` for a body that is not Lago's.
 */
function validationErrors(body: unknown, count: number): RequestOutcome | undefined {
  const { code, error_details: details } = (body ?? {}) as Record<string, unknown>
  if (code !== 'validation_errors' || typeof details !== 'object' || details === null) {
    return undefined
  }
  const outcomes = new Map<number, EventOutcome>()
  let othersUncertain = false
  for (const [place, errors] of Object.entries(details)) {
    if (!/^\d+$/.test(place) || Number(place) >= count) continue
    const isKnown = isDuplicate(errors)
    othersUncertain ||= isKnown
    outcomes.set(Number(place), isKnown ? { status: 'accepted' } : refused(refusal(errors)))
  }
  if (outcomes.size === 0) return refused(refusal(details))
  return { status: 'judged', outcomes, ...(othersUncertain && { othersUncertain }) }
}

/** Lago has an event of this id and subscription, which is all that is wrong. */
function isDuplicate(errors: unknown): boolean {
  const byField = Object.entries(fields(errors))
  const [field, codes] = byField[0] ?? []
  return (
    byField.length === 1 &&
    field === 'transaction_id' &&
    Array.isArray(codes) &&
    codes.length > 0 &&
    codes.every((code) => code === 'value_already_exist')
  )
}

function refusal(errors: unknown): string {
  if (typeof errors === 'string') {
    return `Lago refused it (422): ${errors.slice(0, 300)}. Put the expression of the billable metric right, then requeue.`
  }
  const texts = Object.entries(fields(errors)).map(
    ([field, codes]) => `${field} ${Array.isArray(codes) ? codes.join(', ') : String(codes)}`,
  )
  return `Lago refused it (422): ${texts.join('; ').slice(0, 300) || 'no reason given'}`
}

function fields(errors: unknown): Record<string, unknown> {
  return typeof errors === 'object' && errors !== null ? (errors as Record<string, unknown>) : {}
}
