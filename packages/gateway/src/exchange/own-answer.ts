/** Answers of the gateway's own: to what it refuses, to `OPTIONS`, and to its own paths. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestIdHeader } from '../answer/answer-headers.ts'
import { linger } from '../answer/caller-socket.ts'
import { type CorsOrigins, preflightHeaders } from '../answer/cors.ts'
import { errorAnswer } from '../answer/error-answer.ts'
import { GatewayRefusal } from '../refusal.ts'
import { readBody } from '../request/read-body.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import type { Dialect } from '../upstream.ts'
import { isUnframed } from './checks.ts'
import type { OwnAnswer } from './own-paths.ts'
import type { ExchangeSettings } from './settings.ts'

export interface Refused {
  readonly refusal: GatewayRefusal
  readonly dialect: Dialect
  readonly requestId: string
  readonly cors: readonly string[]
}

/** @returns how long its body is, in bytes. */
export function answerRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  { refusal, dialect, requestId, cors }: Refused,
): number {
  if (response.headersSent || response.destroyed) return 0
  const { status, headers, body } = errorAnswer(refusal, dialect, requestId)
  response.writeHead(status, [
    ...headers,
    requestIdHeader,
    requestId,
    ...cors,
    ...closing(request, response),
  ])
  response.end(request.method === 'HEAD' ? undefined : body)
  linger(request)
  return body.length
}

/** A caller who waits for 100 may send its body all the same, or not at all: what follows is nobody's. */
function closing(request: IncomingMessage, response: ServerResponse): readonly string[] {
  const { _sent100: isSent } = response as { _sent100?: boolean }
  const isAwaited = request.headers.expect !== undefined && isSent !== true && !request.complete
  return isAwaited || isUnframed(request.socket) ? ['connection', 'close'] : []
}

export function answerPreflight(
  response: ServerResponse,
  headers: RequestHeaders,
  origins: CorsOrigins,
): void {
  response.writeHead(204, [...preflightHeaders(headers, origins)])
  response.end()
}

export interface OwnPathRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly headers: RequestHeaders
  readonly path: string
  readonly query: string
  readonly requestId: string
}

/** What an admin sends is small. */
const mostBytes = 2 ** 20

/**
 * @returns the status, when it has gone out.
 * @throws GatewayRefusal 404 for what is not there, and what answers it.
 */
export async function answerOwnPath(
  { own, inFlight, deadlines, fault }: ExchangeSettings,
  { request, response, headers, path, query, requestId }: OwnPathRequest,
): Promise<number> {
  if (own.answer(path, request, response)) {
    await over(response)
    return response.statusCode
  }
  const idleMs = deadlines.requestIdleMs
  const { bytes, release } = await readBody(request, { maxBodyBytes: mostBytes, inFlight, idleMs })
  let answer: OwnAnswer | undefined
  try {
    answer = await own.ask({
      method: request.method ?? 'GET',
      path,
      query: new URLSearchParams(query),
      headers: headers.raw,
      body: bytes,
    })
  } catch (cause) {
    if (!(cause instanceof GatewayRefusal)) fault(`${path} could not be answered`, cause)
    throw cause
  } finally {
    release()
  }
  if (answer === undefined) {
    throw new GatewayRefusal(404, 'not_found', 'the gateway has nothing at this path')
  }
  const text = JSON.stringify(answer.body)
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    [requestIdHeader]: requestId,
  })
  response.end(request.method === 'HEAD' ? undefined : text)
  return answer.status
}

function over(response: ServerResponse): Promise<void> {
  if (response.writableFinished || response.destroyed) return Promise.resolve()
  return new Promise((resolve) => void response.once('close', resolve).once('finish', resolve))
}
