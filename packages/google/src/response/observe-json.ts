import type { ApiResponse } from '../google-client.ts'

/** What to do with the body of a response, however it comes. */
export interface JsonObserver {
  /** The parsed body. What is answered is waited for before the caller gets it. */
  seen(json: unknown): Promise<unknown> | undefined
  /** The body cannot be read or parsed. */
  broken(): void
}

/** Lets an observer see what a response's `json` answers, in place: it stays the same object. */
export function observeJson(response: ApiResponse, observer: JsonObserver): ApiResponse {
  jsonObserver(observer)(response)
  return response
}

/** The same for many responses of one kind, without a function for each of them. */
export function jsonObserver(observer: JsonObserver): (response: ApiResponse) => void {
  const seen = (value: unknown): unknown => {
    const stored = observer.seen(value)
    return stored === undefined ? value : stored.then(() => value)
  }
  const broken = (error: unknown): never => {
    observer.broken()
    throw error
  }
  let known: ApiResponse['json'] | undefined
  let observed: ApiResponse['json'] | undefined
  return (response) => {
    const { json } = response
    if (observed === undefined || json !== known) {
      known = json
      observed = function (this: ApiResponse) {
        return json.call(this).then(seen, broken)
      }
    }
    // An assignment, which costs a fraction of defining a hidden property: nobody sees these objects.
    response.json = observed
  }
}
