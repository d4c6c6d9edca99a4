import { readFileSync } from 'node:fs'
import { parseJson } from '../http/parse-json.ts'
import { asRequested } from './chat-usage.ts'
import type { Reply, ReplayedRequest, ReplayEvent, ReplyOptions } from './replay-reply.ts'

/** What goes over the wire: one body, or the events of a stream, each ready to be written. */
export type ReplyContent =
  | { readonly contentType: string; readonly body: string | Uint8Array }
  | {
      readonly contentType: string
      readonly events: readonly (string | Uint8Array)[]
      readonly end: string
    }

/** @throws the system's error where a recording cannot be read. */
export function replyContent(
  reply: Reply,
  request: ReplayedRequest,
  options: Pick<ReplyOptions, 'usageUnasked' | 'framing'> = {},
): ReplyContent {
  const { usageUnasked = false, framing } = options
  if (typeof reply === 'function') return replyContent(reply(request), request, options)
  if (reply instanceof Uint8Array) return { contentType: 'application/octet-stream', body: reply }
  if (typeof reply === 'string') return recordedContent(reply, request)
  if (!Array.isArray(reply)) return jsonContent(JSON.stringify(reply))
  const script = reply as readonly ReplayEvent[]
  if (framing !== undefined) {
    const events = script.map((event) => framing.encode(event))
    return { contentType: framing.contentType, events, end: '' }
  }
  const isOnRequest = isChatCompletions(request) && !usageUnasked
  const events = isOnRequest ? asRequested(script, request.body) : script
  return streamContent(
    events.map((event) => JSON.stringify(event)),
    request,
  )
}

function recordedContent(path: string, request: ReplayedRequest): ReplyContent {
  const text = readFileSync(path, 'utf8')
  if (!path.endsWith('.chunks.txt')) return jsonContent(text)
  return streamContent(
    text.split('\n').filter((line) => line.trim() !== ''),
    request,
  )
}

function jsonContent(body: string): ReplyContent {
  return { contentType: 'application/json', body }
}

function streamContent(lines: readonly string[], request: ReplayedRequest): ReplyContent {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    events: lines.map(serverSentEvent),
    end: isCompletions(request) ? 'data: [DONE]\n\n' : '',
  }
}

/** OpenAI responses and Anthropic name an event by its `type`; chat chunks have none. */
function serverSentEvent(line: string): string {
  const type = (parseJson(line) as { type?: unknown } | null | undefined)?.type
  return typeof type === 'string' ? `event: ${type}\ndata: ${line}\n\n` : `data: ${line}\n\n`
}

function isChatCompletions(request: ReplayedRequest): boolean {
  return request.path.endsWith('/chat/completions')
}

function isCompletions(request: ReplayedRequest): boolean {
  return request.path.endsWith('/completions')
}
