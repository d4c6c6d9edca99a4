import { type Endpoint, requestBody, type WireProtocol } from '@token-meter/core/wire'
import { batchCreation, batchResults } from './batches.ts'
import { completions } from './completions.ts'
import { messages } from './messages.ts'
import { isWithoutBill, routeOf } from './routes.ts'

/** Endpoints whose own answer says what it used. */
export const endpoints: Readonly<Record<'messages' | 'completions', Endpoint>> = {
  messages,
  completions,
}

/** Anthropic's HTTP API, of Anthropic itself and of whoever speaks it. */
export const anthropicWire: WireProtocol = {
  name: 'anthropic',
  open(request, context) {
    const route = routeOf(request.method.toLowerCase(), request.url, context.baseUrl)
    if (route === undefined) return undefined
    switch (route.kind) {
      case 'unmetered':
        return {
          unmetered: `the work of ${route.what} is not metered, because Anthropic does not say which model did it: record() its usage`,
        }
      case 'batch':
        return batchCreation(request, context)
      case 'batch-results':
        return batchResults(route.batchId, context)
      default:
        return { endpoint: endpoints[route.kind], body: requestBody(request.body) }
    }
  },
  isFree: ({ url }, baseUrl) => isWithoutBill(url, baseUrl),
}
