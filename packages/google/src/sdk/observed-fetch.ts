import { type ObservedCall, observeResponse } from '@token-meter/core/adapter'
import { interactionsEndpoint } from '../wire/interactions.ts'
import { requestBody } from '../wire/request-body.ts'
import { interactionRouteOf } from '../wire/routes.ts'
import { beginInteractionAgain, interactionWatches } from './begin-interaction.ts'
import type { Observation } from './google-observation.ts'

/**
 * The `fetch` of the interactions API, which from SDK 2 on goes around the API client's requests.
 *
 * @param own the application's `httpOptions.fetch`, if there is one.
 */
export function observedFetch(
  own: typeof fetch | undefined,
  observation: Observation,
): typeof fetch {
  return async (input, init) => {
    const send = () => (init === undefined ? (own ?? fetch)(input) : (own ?? fetch)(input, init))
    const call = await beginFetch(input, init, observation)
    const response = await send()
    if (call === undefined) return response
    // What a retry or an error says is not an answer, and is not billed.
    if (!response.ok) {
      call.dismiss()
      return response
    }
    return observation.guarded(() => observeResponse(response, call)) ?? response
  }
}

async function beginFetch(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  observation: Observation,
): Promise<ObservedCall | undefined> {
  const request = input instanceof Request ? input : undefined
  const method = init?.method ?? request?.method ?? 'GET'
  const url = request?.url ?? String(input)
  const route = interactionRouteOf(method, url)
  if (route === undefined) return undefined
  if (route.kind === 'unmetered') {
    observation.reportUnmetered(route.what)
    return undefined
  }
  if (route.kind === 'again') return beginInteractionAgain(observation, route.id, method)
  const serialized = init?.body ?? (await request?.clone().text())
  const body = requestBody(serialized, undefined)
  let call: ObservedCall | undefined
  const watch = interactionWatches.created(() => call, body.background === true)
  call = observation.begin(interactionsEndpoint(watch), body)
  return call
}
