import { requestBody, type WireProtocol } from '@token-meter/core/wire'
import { oneShot, openaiWire, unmetered } from '../protocol.ts'
import { routeOf } from '../routes.ts'
import { backgroundAgain, backgroundCreation } from './background-responses.ts'
import { jobAgain, jobCreation } from './jobs.ts'

/**
 * OpenAI's HTTP API with the work that goes on after its request was answered: background responses,
 * batches, assistant runs, eval runs, videos. Each is billed once, to whoever created it, by whichever
 * request first shows it finished. Everything else is as `openaiWire` has it.
 */
export const openaiJobsWire: WireProtocol = {
  ...openaiWire,
  open(request, context) {
    const { baseUrl, provider } = context
    const route = routeOf(request.method.toLowerCase(), request.url, baseUrl, provider)
    if (route === undefined) return undefined
    switch (route.kind) {
      case 'unmetered':
        return unmetered(route.calls, route.why)
      // Asks with its address alone.
      case 'response-again':
        return backgroundAgain(route.responseId, context)
      case 'job':
        return jobCreation(route.job, requestBody(request.body), context)
      case 'job-again':
        return jobAgain(route.job, route.jobId, requestBody(request.body), context)
      default: {
        const body = requestBody(request.body)
        const isBackground = route.kind === 'responses' && body.background === true
        if (isBackground) return backgroundCreation(body, context)
        return oneShot(route.kind, body, request, context)
      }
    }
  },
}
