/** A process that mirrors grants, and is killed while it does. Its arguments are JSON. */
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink } from '@token-meter/stripe'
import Stripe from 'stripe'
import { createCredits } from '../../src/index.ts'
import { mirrorGrants } from '../../src/stripe.ts'

const order = JSON.parse(process.argv[2] ?? '') as {
  readonly path: string
  readonly apiKey: string
  readonly host: string
  readonly port: number
}
const { apiKey, host, port } = order
const outbox = sqliteOutbox(order.path)
const credits = createCredits({ outbox })
const stripe = new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 0 })
const sink = stripeSink({ apiKey, value: 'cost' })
const mirror = mirrorGrants({ credits, stripe, sink })
await mirror.sync()
mirror.close()
await outbox.close()
