/** A chat for many companies, in which each pays for its own tokens. Start reading here. */
import { getRequestListener } from '@hono/node-server'
import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { createCredits } from '@token-meter/credits'
import { openaiProvider } from '@token-meter/openai'
import { meterErrorHandler, stripeSink } from '@token-meter/stripe'
import type { Hono } from 'hono'
import { createServer } from 'node:http'
import { createApp } from './app.ts'
import { mostOutput } from './chat.ts'
import { CreditBoard } from './credit-board.ts'
import { EnvironmentError } from './customers.ts'
import { listen } from './listen.ts'
import { priceUsage } from './prices.ts'
import { printDelivered, printStart } from './report.ts'
import { RunningAnswers } from './running-answers.ts'
import { startServices } from './services.ts'
import { openShop } from './shop.ts'
import { shutDown } from './shut-down.ts'
import { tenantsOf } from './tenants.ts'
import { UsageBoard } from './usage-board.ts'

async function start(): Promise<void> {
  const services = await startServices(process.env)
  const outbox = sqliteOutbox(services.outboxFile)
  const credits = createCredits({ outbox, cost: priceUsage })
  const meter = createMeter({
    providers: [openaiProvider],
    outbox,
    sinks: [stripeSink(services.stripe)],
    cost: priceUsage,
    // Holds for who has credit, what an answer can come to. Who has no account pays as they go.
    guard: credits.guard({ defaultMaxOutput: mostOutput, unknownCustomer: 'allow' }),
  })
  const { webhookSecret } = services
  const handleMeterErrors =
    webhookSecret === undefined
      ? undefined
      : meterErrorHandler({ ...services.stripe, meter, webhookSecret })
  const board = new UsageBoard(meter)
  const credit = new CreditBoard(credits, meter)
  const answers = new RunningAnswers()
  const stopping = new AbortController()
  const { model } = services

  // Stripe has to know where this server is before credit can be sold: it listens first.
  const app = Promise.withResolvers<Hono>()
  const server = createServer(
    getRequestListener(async (request, environment) =>
      (await app.promise).fetch(request, environment),
    ),
  )
  let tenants: ReturnType<typeof tenantsOf>
  try {
    const url = await listen(server, process.env.PORT)
    const seller = await services.openSeller(url)
    tenants = tenantsOf(services.customers, seller !== undefined)
    const shop = seller && (await openShop(seller, { credits, tenants, fake: services.fake }))
    const { signal } = stopping
    const shared = { meter, model, answers, tenants, board, credit, stopping: signal }
    app.resolve(createApp({ ...shared, handleMeterErrors, shop }))
    printStart(url, services, seller !== undefined)
  } catch (error) {
    server.close()
    await meter.close()
    await services[Symbol.asyncDispose]()
    throw error
  }

  async function stop(): Promise<void> {
    // A second signal, as some terminals send one, changes nothing.
    if (stopping.signal.aborted) return
    stopping.abort()
    await shutDown(server, answers, meter)
    printDelivered(tenants, board)
    await services[Symbol.asyncDispose]()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}

try {
  await start()
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error
  console.error(`\n${error.message}`)
  process.exitCode = 1
}
