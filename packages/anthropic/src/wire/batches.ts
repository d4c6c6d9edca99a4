import {
  type Endpoint,
  isLinkedBilling,
  jsonObject,
  noEstimate,
  ownValue,
  requestBody,
  text,
  type UsageReading,
  type WireContext,
  type WireOperation,
  type WireRequest,
} from '@token-meter/core/wire'
import { batchBounds } from './bounds.ts'
import { addContent, readMessage } from './messages.ts'

/**
 * Batches are billed when their results are read, line by line: creating one is free. Whoever reads a
 * line pays for it, or whom the customer function finds in it. The id of a line's record is derived
 * from the batch and the request, so that downloading the results again bills nothing.
 *
 * Some requests of a batch can be billed to a customer's own organisation (`billing_policy`). Each
 * request says so itself and no result repeats it, so that such batches are remembered by their id
 * from their creation on.
 */

const name = 'messages.batches.results'
const jobs = 'messages.batches'

/** The results of a batch, a JSON line for each request. */
export function batchResults<Creator>(
  batchId: string,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const endpoint = batchLine(batchId, context)
  const of = (line: unknown) => {
    const body = { batch_id: batchId, custom_id: jsonObject(line).custom_id }
    return [{ endpoint, answer: line, body }]
  }
  return {
    endpoint: { ...noEstimate, name, content: 'lines', read: () => [] },
    body: { batch_id: batchId },
    free: true,
    parts: { of },
  }
}

/** One line: only requests that succeeded are billed. */
function batchLine(batchId: string, context: WireContext): Endpoint {
  return {
    name,
    isLinked: ({ provider, body }) =>
      isLinkedRequest(provider, batchId, ownValue(body, 'custom_id')),
    read(line, call): readonly UsageReading[] {
      const { custom_id: customId, result } = jsonObject(line)
      const { type, message } = jsonObject(result)
      if (type !== 'succeeded') return []
      // The first that is billed settles what is held for all of them.
      context.jobs(jobs).settle(keyOf(call.provider, batchId))
      // The message too: a server that speaks Anthropic's language may repeat its batch ids.
      const messageId = text(jsonObject(message).id) ?? ''
      const identity = [call.provider, 'batches', batchId, text(customId) ?? '', messageId]
      const requestId = text(customId)
      return readMessage(message, call).map((reading) => ({ ...reading, identity, requestId }))
    },
    estimateInput: noEstimate.estimateInput,
    estimateOutput(line, estimate) {
      addContent(jsonObject(jsonObject(jsonObject(line).result).message).content, estimate)
    },
  }
}

/**
 * `POST /v1/messages/batches`: free, remembered where a request of it is billed to somebody else, and work
 * that a guard may hold for.
 */
export function batchCreation<Creator>(
  request: WireRequest,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const body = requestBody(request.body)
  const linked = linkedRequests(context.provider, body)
  return { endpoint: batchEndpoint(linked, context), body, free: true, startsJob: true }
}

/** The requests of a batch that the customer is billed for: by their `custom_id`, or all of them. */
type Linked = ReadonlySet<string> | 'all'

/** So that memory stays bounded; results are kept for 29 days. */
const mostRemembered = 1000

/** Batches of this process with linked requests. */
const linkedBatches = new Map<string, Linked>()

function batchEndpoint(linked: Linked | undefined, context: WireContext): Endpoint {
  return {
    name: jobs,
    bounds: batchBounds,
    isLinked: () => linked === 'all',
    read(batch, { provider }) {
      const id = text(jsonObject(batch).id)
      if (id === undefined) return []
      context.jobs(jobs).created(keyOf(provider, id), {})
      if (linked === undefined) return []
      linkedBatches.set(keyOf(provider, id), linked)
      const [oldest] = linkedBatches.keys()
      if (linkedBatches.size > mostRemembered && oldest !== undefined) linkedBatches.delete(oldest)
      return []
    },
    ...noEstimate,
  }
}

/** The linked requests in the body of a batch that is to be created; `undefined` where none is. */
function linkedRequests(provider: string, body: object): Linked | undefined {
  const requests = ownValue(body, 'requests')
  if (!Array.isArray(requests)) return undefined
  const linked = new Set<string>()
  let others = 0
  for (const request of requests) {
    const params = typeof request === 'object' && request && ownValue(request as object, 'params')
    const customId = text(jsonObject(request).custom_id)
    if (typeof params === 'object' && params && isLinkedBilling(provider, params)) {
      if (customId !== undefined) linked.add(customId)
    } else {
      others++
    }
  }
  if (linked.size === 0) return undefined
  return others === 0 ? 'all' : linked
}

function isLinkedRequest(provider: string, batchId: string, customId: unknown): boolean {
  const linked = linkedBatches.get(keyOf(provider, batchId))
  return linked === 'all' || (typeof customId === 'string' && linked?.has(customId) === true)
}

function keyOf(provider: string, batchId: string): string {
  return `${provider} ${batchId}`
}
