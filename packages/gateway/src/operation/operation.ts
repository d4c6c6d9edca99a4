/** What whoever runs a gateway asks of it: `/health/live`, `/health/ready`, `/metrics`. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@token-meter/core'
import type { AccessEntry } from '../access-entry.ts'
import { Metrics, type Gauges } from './metrics.ts'
import { Readiness, type ReadinessCheck } from './readiness.ts'

export interface OperationOptions {
  readonly meter: Pick<Meter, 'on' | 'stats' | 'outbox'>
  /** For `/metrics`. Without one the gateway is open, and so are they. */
  readonly adminKey: string | undefined
  /** What else `/health/ready` asks. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  /** What the gateway counts itself, for `/metrics`. */
  readonly gauges: () => Gauges
  /** Told why a check of readiness failed. */
  readonly report: (check: string, cause: unknown) => void
}

export class Operation {
  readonly #adminKey: Buffer | undefined
  readonly #readiness: Readiness
  readonly #metrics: Metrics

  constructor({ meter, adminKey, checks, gauges, report }: OperationOptions) {
    this.#adminKey = adminKey === undefined ? undefined : hashOf(adminKey)
    this.#readiness = new Readiness(meter.outbox, checks, report)
    this.#metrics = new Metrics(meter, gauges)
  }

  /** A request is over. */
  observe(entry: AccessEntry): void {
    this.#metrics.observe(entry)
  }

  /** `/health/ready` says no from now on. */
  turnOff(): void {
    this.#readiness.turnOff()
  }

  close(): void {
    this.#metrics.close()
  }

  /**
   * Answers what is asked of one of its paths.
   * @param path without the query, and without the gateway's own `basePath`.
   * @returns false for any other path: nothing was done.
   */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const answer = this.#answers[path]
    if (answer === undefined) return false
    // A body that comes all the same is read and thrown away.
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, json, `{"error":"${path} takes GET"}`, { allow: 'GET, HEAD' })
      return true
    }
    answer(request, response).catch(() => {
      if (response.headersSent) response.destroy()
      else send(response, 500, json, '{"error":"this could not be answered"}')
    })
    return true
  }

  readonly #answers: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>
  > = Object.assign(Object.create(null) as object, {
    '/health/live': async (_: IncomingMessage, response: ServerResponse) =>
      send(response, 200, json, '{"live":true}'),
    '/health/ready': async (_: IncomingMessage, response: ServerResponse) => {
      const ready = await this.#readiness.ask()
      send(response, ready.ready ? 200 : 503, json, JSON.stringify(ready))
    },
    '/metrics': async ({ headers }: IncomingMessage, response: ServerResponse) => {
      if (!this.#isAdmin(headers.authorization)) {
        const said = '{"error":"/metrics takes the admin key: Authorization: Bearer ..."}'
        send(response, 401, json, said, { 'www-authenticate': 'Bearer' })
        return
      }
      send(response, 200, prometheus, await this.#metrics.text())
    },
  })

  #isAdmin(authorization: string | undefined): boolean {
    if (this.#adminKey === undefined) return true
    const [, presented = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
    return timingSafeEqual(hashOf(presented), this.#adminKey)
  }
}

const json = 'application/json'
const prometheus = 'text/plain; version=0.0.4; charset=utf-8'

/** Of equal length, whatever was presented. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(body)
}
