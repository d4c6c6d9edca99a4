import { type ObservedCall, observeResponse } from '@token-meter/core/adapter'
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
  const opened = observation.open({ method, url, body: undefined })
  if (opened?.operation.endpoint.name !== 'interactions') return undefined
  const isAgain = opened.operation.free === true
  const body = init?.body ?? (isAgain ? undefined : await request?.clone().text())
  const sent = body === undefined ? opened : observation.open({ method, url, body })
  return sent && observation.begin(sent)
}
