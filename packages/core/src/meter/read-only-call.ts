import type { Call } from '../wire/call.ts'

/**
 * A call as functions of the application see it: they cannot change what is sent. Only the top
 * level is copied, since a conversation can be large.
 */
export function readOnlyCall(call: Call): Call {
  const { body } = call
  if (typeof body !== 'object' || body === null) return Object.freeze({ ...call })
  const copy: object = Object.create(Object.getPrototypeOf(body) as object | null)
  return Object.freeze({ ...call, body: Object.freeze(Object.assign(copy, body)) })
}
