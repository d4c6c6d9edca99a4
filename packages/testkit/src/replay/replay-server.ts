import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startLoopbackServer } from '../http/loopback-server.ts'
import { parseJson } from '../http/parse-json.ts'
import { readBody } from '../http/read-body.ts'
import { replyContent } from './reply-content.ts'
import type { Reply, ReplayedRequest, ReplyOptions } from './replay-reply.ts'
import { sendEvents } from './send-events.ts'

/** A model provider on this machine that answers what it was told to. */
export interface ReplayServer extends AsyncDisposable {
  /** Without a slash at the end. Every path answers, so `/v1` can follow or not. */
  readonly url: string
  /** Every request so far, in order of arrival. */
  readonly requests: readonly ReplayedRequest[]
  /** Queues a reply: the next request that fits `options.path` gets it. */
  serve(reply: Reply, options?: ReplyOptions): void
  /** Forgets all replies that are queued, and all requests so far. */
  forget(): void
  /** Cuts every connection and stops listening. Safe to call twice. */
  close(): Promise<void>
}

/** Options that every reply of a server has, unless `serve` says otherwise. */
export type ReplayServerOptions = Omit<ReplyOptions, 'path' | 'times'>

/**
 * Starts a provider that replays recordings and scripts. A request for which nothing was queued is
 * answered 404, with a message that says so.
 */
export async function startReplayServer(options: ReplayServerOptions = {}): Promise<ReplayServer> {
  const requests: ReplayedRequest[] = []
  const queue: Queued[] = []
  const server = await startLoopbackServer(async (incoming, response) => {
    const request = await receive(incoming, response)
    requests.push(request)
    response.setHeader('x-request-id', `req_${requests.length}`)
    const next = take(queue, request.path)
    if (next === undefined) return refuse(response, request)
    await answer(next.reply, { ...options, ...next.options }, request, response)
  })
  return {
    ...server,
    requests,
    serve: (reply, replyOptions = {}) => {
      queue.push({ reply, options: replyOptions, left: replyOptions.times ?? 1 })
    },
    forget: () => {
      queue.length = 0
      requests.length = 0
    },
  }
}

interface Queued {
  readonly reply: Reply
  readonly options: ReplyOptions
  left: number
}

type OpenRequest = { -readonly [Key in keyof ReplayedRequest]: ReplayedRequest[Key] }

async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<OpenRequest> {
  const url = incoming.url ?? '/'
  const rawBody = await readBody(incoming)
  const request: OpenRequest = {
    method: incoming.method ?? 'GET',
    path: new URL(url, 'http://localhost').pathname,
    url,
    headers: incoming.headers,
    body: parseJson(rawBody),
    rawBody,
    eventsSent: 0,
    closedEarly: false,
    closed: new Promise((resolve) => response.once('close', resolve)),
  }
  response.once('close', () => {
    request.closedEarly = !response.writableFinished && !cutByServer.has(response)
  })
  return request
}

const cutByServer = new WeakSet<ServerResponse>()

function take(queue: Queued[], path: string): Queued | undefined {
  const index = queue.findIndex(({ options }) => fits(options.path, path))
  const next = queue[index]
  if (next === undefined) return undefined
  next.left -= 1
  if (next.left <= 0) queue.splice(index, 1)
  return next
}

function fits(wanted: string | RegExp | undefined, path: string): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'string' ? path.endsWith(wanted) : wanted.test(path)
}

function refuse(response: ServerResponse, request: ReplayedRequest): void {
  const message = `Nothing was queued for ${request.method} ${request.path}: call serve() first`
  response.writeHead(404, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error' } }))
}

async function answer(
  reply: Reply,
  options: ReplyOptions,
  request: OpenRequest,
  response: ServerResponse,
): Promise<void> {
  const content = replyContent(reply, request, options)
  if (options.delayMs) await sleep(options.delayMs)
  if ('body' in content && options.cutAfterEvents !== undefined) return cut(response)
  if ('body' in content && options.hangAfterEvents !== undefined) return
  response.writeHead(options.status ?? 200, {
    'content-type': content.contentType,
    ...options.headers,
  })
  if ('body' in content) return void response.end(content.body)
  response.flushHeaders()
  const end = await sendEvents(response, content.events, options, () => request.eventsSent++)
  if (end === 'complete') response.end(content.end)
  if (end === 'cut') cut(response)
}

function cut(response: ServerResponse): void {
  cutByServer.add(response)
  if (!response.headersSent) return void response.destroy()
  // An empty write is called back once all that was written before has left for the client.
  response.write('', () => response.destroy())
}
