import { parse } from 'qs'
import { parseJson } from '../http/parse-json.ts'

/** How an event came: as a form with unix seconds, or as JSON with RFC 3339, alone or with others. */
export type MeterEventApi = 'v1' | 'v2' | 'stream'

/** A request to record usage, the same for every API. */
export interface MeterEventParams {
  readonly api: MeterEventApi
  readonly event_name: string
  readonly identifier: string | undefined
  /** In ms since the epoch; `undefined` for the time of receipt. */
  readonly timestamp: number | undefined
  readonly payload: Readonly<Record<string, string>>
}

/** Reads the body of a request with one event; `undefined` when it does not even name an event. */
export function meterEventParams(api: 'v1' | 'v2', rawBody: string): MeterEventParams | undefined {
  return readEvent(api, api === 'v2' ? parseJson(rawBody) : parse(rawBody))
}

/** Reads the body of a request of the stream; `undefined` when it is not a list of events. */
export function streamedEventParams(rawBody: string): readonly MeterEventParams[] | undefined {
  const body = parseJson(rawBody) as { readonly events?: unknown } | null | undefined
  if (!Array.isArray(body?.events)) return undefined
  const events = body.events.map((event) => readEvent('stream', event))
  return events.some((event) => event === undefined) ? undefined : (events as MeterEventParams[])
}

interface RawParams {
  readonly event_name?: unknown
  readonly identifier?: string
  readonly timestamp?: string
  readonly payload: Readonly<Record<string, string>>
}

function readEvent(api: MeterEventApi, body: unknown): MeterEventParams | undefined {
  const params = body as RawParams | null | undefined
  if (typeof params?.event_name !== 'string' || typeof params.payload !== 'object') return undefined
  const { event_name, identifier, timestamp, payload } = params
  const at = timestamp === undefined ? undefined : milliseconds(api, timestamp)
  return { api, event_name, identifier, timestamp: at, payload }
}

function milliseconds(api: MeterEventApi, timestamp: string): number {
  return api === 'v1' ? Number(timestamp) * 1000 : Date.parse(timestamp)
}
