import { type Api, streamEvents, wholeResponse } from './events.ts'

/** What the server answers: a whole response, a stream at once, one with a pause, one without end. */
export type Scenario = 'call' | 'stream' | 'first' | 'endless'

/** Events that hold text in one `stream`. */
export const streamLength = 2000
/** Events behind the first one of `first`. */
const restLength = 20

export interface Answer {
  readonly head: Buffer
  /** What comes a moment later, or again and again. */
  readonly rest: Buffer
}

const known = new Map<string, Answer>()

/** The bytes of an answer, made once. */
export function answer(api: Api, scenario: Scenario, includeUsage: boolean): Answer {
  const key = `${api} ${scenario} ${includeUsage}`
  let bytes = known.get(key)
  if (bytes === undefined) {
    bytes = made(api, scenario, includeUsage)
    known.set(key, bytes)
  }
  return bytes
}

function made(api: Api, scenario: Scenario, includeUsage: boolean): Answer {
  const none = Buffer.alloc(0)
  if (scenario === 'call') {
    return { head: whole('application/json', wholeResponse(api)), rest: none }
  }
  if (scenario === 'endless') {
    const [first = '', next = ''] = streamEvents(api, 2, includeUsage)
    const head = headers('text/event-stream', 'transfer-encoding: chunked')
    return {
      head: Buffer.from(head + chunked(sse(api, first))),
      rest: Buffer.from(chunked(sse(api, next))),
    }
  }
  const length = scenario === 'stream' ? streamLength : restLength
  const events = streamEvents(api, length, includeUsage).map((event) => sse(api, event))
  if (api === 'openai') events.push('data: [DONE]\n\n')
  if (scenario === 'stream')
    return { head: whole('text/event-stream', events.join('')), rest: none }
  const bytes = whole('text/event-stream', events.join(''))
  const headLength = bytes.length - Buffer.byteLength(events.slice(1).join(''))
  return { head: bytes.subarray(0, headLength), rest: bytes.subarray(headLength) }
}

function whole(contentType: string, body: string): Buffer {
  return Buffer.from(headers(contentType, `content-length: ${Buffer.byteLength(body)}`) + body)
}

function headers(contentType: string, length: string): string {
  return [
    'HTTP/1.1 200 OK',
    `content-type: ${contentType}`,
    length,
    'connection: keep-alive',
    'x-request-id: req_bench',
    'request-id: req_bench',
    '\r\n',
  ].join('\r\n')
}

function sse(api: Api, event: string): string {
  if (api !== 'anthropic') return `data: ${event}\n\n`
  const { type } = JSON.parse(event) as { type: string }
  return `event: ${type}\ndata: ${event}\n\n`
}

function chunked(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
