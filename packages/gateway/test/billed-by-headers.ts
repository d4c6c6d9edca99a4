/** A gateway that bills by Stripe's headers, between an upstream and two accounts of Stripe. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter, type Meter, type TokenMeterError } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { postgresOutbox } from '@token-meter/postgres'
import { stripeSink } from '@token-meter/stripe'
import {
  type AccessEntry,
  createGateway,
  stripeHeaders,
  type StripeHeadersOptions,
  type StripeHeadersSink,
} from '../src/index.ts'
import { callerKeys } from './socket-run.ts'

/** Both are looked for in everything that is kept or said. */
export const headerKey = 'rk_live_canary0123456789'
export const ownKey = 'rk_live_own0123456789'
export const secret = 'canary-secret-0123456789abcdef'

export const billingHeaders = {
  'stripe-customer-id': 'cus_abc123',
  'stripe-restricted-access-key': headerKey,
}

/** Answers calls of OpenAI's and Anthropic's APIs: 1500 tokens in, 20 out. */
export async function startUpstream(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => void pieces.push(piece))
    request.on('end', () => {
      const body = JSON.parse(String(Buffer.concat(pieces))) as { model: string; stream?: boolean }
      const isCut = body.model === 'cut'
      const status = body.model === 'broken' ? 500 : 200
      response.writeHead(status, {
        'content-type': isCut ? 'text/event-stream' : 'application/json',
      })
      if (isCut) {
        const delta = {
          id: 'c',
          model: 'gpt-5.4',
          choices: [{ index: 0, delta: { content: 'Hello' } }],
        }
        response.write(`data: ${JSON.stringify(delta)}\n\n`, () => response.destroy())
        return
      }
      response.end(
        JSON.stringify(request.url?.includes('/messages') ? anthropicAnswer : openaiAnswer),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

const openaiAnswer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hi' } }],
  usage: { prompt_tokens: 1500, completion_tokens: 20, total_tokens: 1520 },
}

const anthropicAnswer = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-6',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1500, output_tokens: 20 },
}

/** In a file; or, where a database is named, in that, with the file's name for its spool. */
export function outboxAt(place: string): Outbox {
  const [file = '', connectionString] = place.split('|')
  if (connectionString === undefined) return sqliteOutbox(file)
  return postgresOutbox({ connectionString }, { schema: 'killed', spoolFolder: file })
}

export interface BillingGateway extends AsyncDisposable {
  readonly url: string
  readonly meter: Meter
  readonly billing: StripeHeadersSink
  readonly errors: TokenMeterError[]
  readonly entries: AccessEntry[]
  readonly faults: unknown[]
}

export interface BillingGatewayOptions {
  readonly upstream: string
  readonly outbox: Outbox
  readonly own: { readonly url: string; readonly apiKey: string }
  /** Where the account of the headers is. */
  readonly other: { readonly url: string }
  readonly port?: number
  readonly headers?: Partial<StripeHeadersOptions>
  readonly caller?: Parameters<typeof callerKeys>[0]
}

export async function startBillingGateway({
  upstream,
  outbox,
  own,
  other,
  port = 0,
  headers = {},
  caller = {},
}: BillingGatewayOptions): Promise<BillingGateway> {
  const errors: TokenMeterError[] = []
  const entries: AccessEntry[] = []
  const faults: unknown[] = []
  const billing = stripeHeaders({
    sink: stripeSink({ apiKey: own.apiKey, baseUrl: own.url }),
    outbox,
    secret,
    connect: (apiKey) => stripeSink({ apiKey, baseUrl: other.url, tokenTypes: 'input-output' }),
    sweepMs: 50,
    onFailed: () => undefined,
    ...headers,
  })
  const meter = createMeter({
    providers: [openaiProvider, anthropicProvider],
    outbox,
    sinks: [billing],
    delivery: {
      lingerMs: 0,
      pollMs: 20,
      leaseMs: 5000,
      sendTimeoutMs: 4000,
      backoff: { baseMs: 20, maxMs: 100 },
    },
    onError: (error) => void errors.push(error),
  })
  const gateway = createGateway({
    meter,
    upstreams: {
      openai: { baseUrl: upstream, apiKey: 'sk-upstream' },
      anthropic: { baseUrl: upstream, apiKey: 'sk-upstream' },
    },
    keys: callerKeys({ stripeHeaders: true, customer: 'team_7', ...caller }),
    stripeHeaders: billing,
    accessLog: (entry) => void entries.push(entry),
    onError: (what, cause) => void faults.push([what, String(cause)]),
  })
  const server = createServer((request, response) => gateway.handle(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meter: meter as Meter,
    billing,
    errors,
    entries,
    faults,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await gateway.close({ timeoutMs: 1000 })
      await meter.close({ timeoutMs: 500 }).catch(() => undefined)
    },
  }
}
