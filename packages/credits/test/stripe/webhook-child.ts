/**
 * A process that is a webhook until it is killed, or dies at the moment that it was told. Prints the port that it
 * listens on. Its argument is JSON.
 */
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Stripe from 'stripe'
import { createCredits, type Plan } from '../../src/index.ts'
import { creditsWebhook } from '../../src/stripe.ts'

export interface WebhookOrder {
  /** A file, or a schema of the database at `url`. */
  readonly path: string
  readonly url?: string | undefined
  readonly apiKey: string
  readonly host: string
  readonly port: number
  readonly secrets: readonly string[]
  readonly plans: readonly Plan[]
  /** It dies when it has read so often from Stripe, or when it has written and is about to answer. */
  readonly diesAt?: number | 'answer' | undefined
}

const order = JSON.parse(process.argv[2] ?? '') as WebhookOrder
const { path, url: connectionString, apiKey, host, port, secrets, plans, diesAt } = order
const outbox =
  connectionString === undefined
    ? sqliteOutbox(path)
    : postgresOutbox({ connectionString }, { schema: path })
const credits = createCredits({ outbox, plans, busyMs: 60_000 })
const stripe = new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 0 })
const die = () => process.kill(process.pid, 'SIGKILL')
let reads = 0
stripe.on('response', () => {
  reads++
  if (reads === diesAt) die()
})
const handle = creditsWebhook({ credits, stripe, webhookSecret: [...secrets] })

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const headers = { 'stripe-signature': String(incoming.headers['stripe-signature']) }
    const init = { method: 'POST', headers, body: Buffer.concat(chunks) }
    void handle(new Request('http://127.0.0.1/stripe', init)).then(async (response) => {
      if (diesAt === 'answer' && response.status === 200) die()
      outgoing.writeHead(response.status)
      outgoing.end(await response.text())
    })
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
