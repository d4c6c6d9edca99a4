import type { ApiResponse } from '../google-client.ts'

/** What to do with the lines of a download. */
export interface LineObserver {
  /** One line that is JSON, with its number from 0. */
  line(json: unknown, index: number): void
  /** The usage of the lines is being stored; the download's end waits for it. */
  stored(): Promise<unknown> | undefined
}

/**
 * Lets an observer see the JSON lines of a response's body as they are downloaded, in constant
 * memory and at the caller's pace. The bytes pass unchanged.
 */
export function observeLines(response: ApiResponse, observer: LineObserver): ApiResponse {
  const { responseInternal } = response
  const body = responseInternal?.body
  if (responseInternal === undefined || body === null || body === undefined) return response
  const decoder = new TextDecoder()
  let rest = ''
  let index = 0
  const see = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) seeLine(line)
  }
  const seeLine = (line: string): void => {
    const number = index++
    const json = parse(line)
    if (json !== undefined) observer.line(json, number)
  }
  const watched = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        see(decoder.decode(bytes, { stream: true }))
        controller.enqueue(bytes)
      },
      async flush() {
        see(decoder.decode())
        if (rest !== '') seeLine(rest)
        await observer.stored()
      },
    }),
  )
  Object.defineProperty(responseInternal, 'body', { value: watched, configurable: true })
  return response
}

function parse(line: string): unknown {
  if (!line.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}
