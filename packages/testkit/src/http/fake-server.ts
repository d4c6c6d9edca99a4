import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeAnswer, FakeRequest } from './fake-request.ts'
import { createFaultQueue } from './fault-queue.ts'
import { replacesAnswer, type Fault, type FaultOptions } from './fault.ts'
import { startLoopbackServer, type LoopbackServer } from './loopback-server.ts'
import { readBody } from './read-body.ts'

/** What every fake backend has. */
export interface FakeServer extends LoopbackServer {
  /** Every request so far, in order of arrival, whatever became of it. */
  readonly requests: readonly FakeRequest[]
  /** Lets the next request, or those that the options name, go wrong. */
  failWith(fault: Fault, options?: FaultOptions): void
  /** Forgets all faults still to come. */
  recover(): void
}

/** What every fake backend can be told. */
export interface FakeServerOptions {
  /** On 127.0.0.1. @default any that is free */
  readonly port?: number
  /** How long a request takes, so that two at a time are seen as such. @default 1 */
  readonly latencyMs?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
  /** Called once a request was answered, or its connection is gone. */
  readonly onRequest?: (request: FakeRequest) => void
}

/** What makes a backend of a server. */
export interface FakeBackend {
  /** Processes a request. */
  answer(request: FakeRequest, fault: Fault): FakeAnswer | Promise<FakeAnswer>
  /** The answer of a fault, in the backend's own words where the fault has none. */
  faultyAnswer(fault: Fault): FakeAnswer
  /**
   * Waits before a request is processed, or a fault answered.
   * @default as long as `latencyMs` and the fault say
   */
  wait?(fault: Fault): Promise<void>
  /** Of every answer. @param count how many requests there are so far. */
  headers?(request: FakeRequest, count: number): Readonly<Record<string, string>>
}

/**
 * Starts a server that answers, or goes wrong as it is told to: the fake of a backend.
 * @throws the system's error where it cannot listen.
 */
export async function startFakeServer(
  backend: FakeBackend,
  options: FakeServerOptions = {},
): Promise<FakeServer> {
  const { port, latencyMs = 1, now = Date.now, onRequest } = options
  const { headers, answer, faultyAnswer } = backend
  const { wait = (fault) => sleep(latencyMs + (fault.delayMs ?? 0)) } = backend
  const requests: OpenRequest[] = []
  const faults = createFaultQueue()
  const server = await startLoopbackServer(async (incoming, response) => {
    const request = await receive(incoming, now)
    requests.push(request)
    if (onRequest !== undefined) response.once('close', () => onRequest(request))
    for (const [name, value] of Object.entries(headers?.(request, requests.length) ?? {})) {
      response.setHeader(name, value)
    }
    const fault = faults.next(request.rawBody, request.path) ?? {}
    await wait(fault)
    if (!replacesAnswer(fault)) return send(await answer(request, fault), request, response)
    if (fault.processed) await answer(request, fault)
    if (fault.connection === 'hang') return
    if (fault.connection === 'reset') return void response.destroy()
    send(faultyAnswer(fault), request, response)
  }, port)
  return { ...server, requests, failWith: faults.add, recover: faults.clear }
}

type OpenRequest = { -readonly [Key in keyof FakeRequest]: FakeRequest[Key] }

async function receive(incoming: IncomingMessage, now: () => number): Promise<OpenRequest> {
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers: incoming.headers,
    rawBody: await readBody(incoming),
    at: now(),
    status: undefined,
  }
}

function send(answer: FakeAnswer, request: OpenRequest, response: ServerResponse): void {
  const { status, headers = {}, body } = answer
  request.status = status
  const type = body === '' ? {} : { 'content-type': 'application/json' }
  response.writeHead(status, { ...type, ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
