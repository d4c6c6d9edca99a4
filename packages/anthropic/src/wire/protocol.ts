import {
  type Endpoint,
  requestBody,
  type WireContext,
  type WireOperation,
  type WireProtocol,
  type WireRequest,
} from '@token-meter/core/wire'
import { batchCreation, linkedRequests } from './batches.ts'
import { completions } from './completions.ts'
import { messages } from './messages.ts'
import { createsBatch, isWithoutBill, routeOf } from './routes.ts'

/** Endpoints whose own answer says what it used. */
export const endpoints: Readonly<Record<'messages' | 'completions', Endpoint>> = {
  messages,
  completions,
}

/**
 * Anthropic's HTTP API, of Anthropic itself and of whoever speaks it. The results of a batch are no
 * operation of it: each of their lines is a call of its own, which whoever reads the lines begins.
 */
export const anthropicWire: WireProtocol = {
  name: 'anthropic',
  open(request, context) {
    const method = request.method.toLowerCase()
    const base = { baseURL: context.baseUrl ?? '' }
    if (createsBatch(method, request.url, base)) return batchOperation(request, context)
    const route = routeOf(method, request.url, base)
    if (route === undefined || route.kind === 'batch-results') return undefined
    if (route.kind === 'unmetered') {
      return {
        unmetered: `the work of ${route.what} is not metered, because Anthropic does not say which model did it: record() its usage`,
      }
    }
    return { endpoint: endpoints[route.kind], body: requestBody(request.body) }
  },
  isFree: ({ url }, baseUrl = '') => isWithoutBill(url, { baseURL: baseUrl }),
}

/** The creation of a batch, only where a request of it is billed to somebody else. */
function batchOperation<Creator>(
  request: WireRequest,
  { provider }: WireContext<Creator>,
): WireOperation<Creator> | undefined {
  const body = requestBody(request.body)
  const linked = request.body === undefined ? new Set<string>() : linkedRequests(provider, body)
  return linked && { endpoint: batchCreation(linked), body, free: true }
}
