import {
  batchOf,
  type Call,
  type CallBounds,
  type Endpoint,
  jsonObject,
  mediaOf,
  requestBounds,
} from '@token-meter/core/wire'

/** The most that a conversation can use: an agent has instructions of its own, which Mistral keeps. */
export function conversationBounds(body: Call['body']): CallBounds {
  return requestBounds(body, ({ completion_args: args, agent_id: agent }) => ({
    maxOutput: jsonObject(args).max_tokens,
    beyond: [(agent ?? '') !== '' && 'prompt'],
  }))
}

/** What is said in a conversation that is kept reads all that was said before. */
export function continuedBounds(body: Call['body']): CallBounds {
  const bounds = conversationBounds(body)
  return { ...bounds, beyond: [...new Set([...bounds.beyond, 'history' as const])] }
}

/** Pages and sound have a price by the piece, and by their length. */
export function pieceBounds(body: Call['body']): CallBounds {
  return mediaOf(body)
}

/** The most that what judges texts can use: nothing is written. */
export function judgedBounds(body: Call['body']): CallBounds {
  return requestBounds(body, () => ({ noOutput: true }))
}

const hourMs = 60 * 60 * 1000

/** The most that the requests of a job can use, where they are in the request for it. */
export function batchBounds(
  body: Call['body'],
  call: Call,
  endpointOf: (path: string) => Endpoint | undefined,
): CallBounds {
  const { requests, model, endpoint: path, timeout_hours: hours } = body
  const endpoint = typeof path === 'string' ? endpointOf(path) : undefined
  const all = Array.isArray(requests) ? (requests as unknown[]) : []
  const bounds = all.map((each) => {
    const request = { model, ...jsonObject(jsonObject(each).body) }
    const ofOne = endpoint?.bounds?.(request, { ...call, body: request })
    return ofOne ?? requestBounds(request, () => ({ beyond: ['unknown'] }))
  })
  return batchOf(bounds, (typeof hours === 'number' && hours > 0 ? hours : 24) * hourMs)
}
