import { type Call, type Endpoint, jsonObject } from '@token-meter/core/wire'
import { responsesEndpoint } from '../responses.ts'
import { realtimeEndpoint } from './realtime-response.ts'
import type { SocketEvent } from './account.ts'

/** What a message of the client asks for, for whoever may refuse it before it is passed on. */
export interface AskedCall {
  readonly endpoint: Endpoint
  /** As it is when it begins: the fields of the response that is to be made. */
  readonly body: Call['body']
}

/**
 * The call that a message of the client begins, on a socket with this URL; `undefined` where it begins none. What a
 * model says unasked, because somebody has stopped to speak, begins without one.
 */
export function askedBy(url: URL, event: SocketEvent): AskedCall | undefined {
  if (event.type !== 'response.create') return undefined
  if (/\/responses\/*$/.test(url.pathname)) {
    const { type: _, event_id: __, stream_id: ___, ...body } = event
    return { endpoint: responsesEndpoint(), body }
  }
  const { model: named, ...fields } = jsonObject(event.response)
  const model = url.searchParams.get('model') ?? url.searchParams.get('deployment') ?? named
  const body = model === undefined ? fields : { ...fields, model }
  return { endpoint: realtimeEndpoint(0), body }
}
