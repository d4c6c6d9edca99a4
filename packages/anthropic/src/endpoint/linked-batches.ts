import {
  type Endpoint,
  isLinkedBilling,
  jsonObject,
  noEstimate,
  ownValue,
  text,
} from '@token-meter/core/wire'

/** So that memory stays bounded; results are kept for 29 days. */
const mostRemembered = 1000

/** The requests of a batch that the customer is billed for: by their `custom_id`, or all of them. */
type Linked = ReadonlySet<string> | 'all'

/**
 * Batches of this process with requests that Anthropic bills to a customer's own organisation. Each
 * request says so itself, and no result repeats it.
 */
const batches = new Map<string, Linked>()

/** True for a request of a batch that was created in this process with `billing_policy`. */
export function isLinkedRequest(provider: string, batchId: string, customId: unknown): boolean {
  const linked = batches.get(keyOf(provider, batchId))
  return linked === 'all' || (typeof customId === 'string' && linked?.has(customId) === true)
}

/** The linked requests in the body of a batch that is to be created; `undefined` where none is. */
export function linkedRequests(provider: string, body: object): Linked | undefined {
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

/** `POST /v1/messages/batches` with linked requests: free itself, and remembered by its id. */
export function batchCreation(linked: Linked): Endpoint {
  return {
    name: 'messages.batches',
    read(batch, { provider }) {
      const id = text(jsonObject(batch).id)
      if (id === undefined) return []
      batches.set(keyOf(provider, id), linked)
      const [oldest] = batches.keys()
      if (batches.size > mostRemembered && oldest !== undefined) batches.delete(oldest)
      return []
    },
    ...noEstimate,
  }
}

function keyOf(provider: string, batchId: string): string {
  return `${provider} ${batchId}`
}
