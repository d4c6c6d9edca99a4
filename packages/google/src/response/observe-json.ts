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
  const { json } = response
  // An assignment, which costs a fraction of defining a hidden property: nobody sees these objects.
  response.json = () =>
    json.call(response).then(
      (value) => {
        const stored = observer.seen(value)
        return stored === undefined ? value : stored.then(() => value)
      },
      (error: unknown) => {
        observer.broken()
        throw error
      },
    )
  return response
}
