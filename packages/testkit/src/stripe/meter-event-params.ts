import { parse } from 'qs'
import { parseJson } from '../http/parse-json.ts'
import type { FakeStripeRequest } from './fake-stripe-request.ts'

/** The two versions of the endpoint: forms and unix seconds, or JSON and RFC 3339. */
export type MeterEventApi = 'v1' | 'v2'

/** A request to record usage, the same for both versions. */
export interface MeterEventParams {
  readonly api: MeterEventApi
  readonly event_name: string
  readonly identifier: string | undefined
  /** In ms since the epoch; `undefined` for the time of receipt. */
  readonly timestamp: number | undefined
  readonly payload: Readonly<Record<string, string>>
}

/** Which version a request is for; `undefined` when it is for another endpoint. */
export function meterEventApi(request: FakeStripeRequest): MeterEventApi | undefined {
  if (request.method !== 'POST') return undefined
  const match = /^\/(v[12])\/billing\/meter_events$/.exec(request.path)
  return match?.[1] as MeterEventApi | undefined
}

/** Reads a request that the schema has accepted, or that at least names an event. */
export function meterEventParams(
  api: MeterEventApi,
  rawBody: string,
): MeterEventParams | undefined {
  const body = (api === 'v2' ? parseJson(rawBody) : parse(rawBody)) as RawParams | null | undefined
  if (typeof body?.event_name !== 'string' || typeof body.payload !== 'object') return undefined
  return {
    api,
    event_name: body.event_name,
    identifier: body.identifier,
    timestamp: body.timestamp === undefined ? undefined : milliseconds(api, body.timestamp),
    payload: body.payload,
  }
}

interface RawParams {
  readonly event_name?: unknown
  readonly identifier?: string
  readonly timestamp?: string
  readonly payload: Readonly<Record<string, string>>
}

function milliseconds(api: MeterEventApi, timestamp: string): number {
  return api === 'v2' ? Date.parse(timestamp) : Number(timestamp) * 1000
}
