/** A chat for many companies, in which each pays for its own tokens. Start reading here. */
import { getRequestListener } from '@hono/node-server'
import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { meterErrorHandler, stripeSink } from '@token-meter/stripe'
import { createServer } from 'node:http'
import { createApp } from './app.ts'
import { EnvironmentError } from './customers.ts'
import { listen } from './listen.ts'
import { printDelivered, printStart } from './report.ts'
import { RunningAnswers } from './running-answers.ts'
import { startServices } from './services.ts'
import { shutDown } from './shut-down.ts'
import { tenantsOf } from './tenants.ts'
import { UsageBoard } from './usage-board.ts'

async function start(): Promise<void> {
  const services = await startServices(process.env)
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: sqliteOutbox(services.outboxFile),
    sinks: [stripeSink(services.stripe)],
  })
  const { webhookSecret } = services
  const handleMeterErrors =
    webhookSecret === undefined
      ? undefined
      : meterErrorHandler({ ...services.stripe, meter, webhookSecret })
  const board = new UsageBoard(meter)
  const answers = new RunningAnswers()
  const tenants = tenantsOf(services.customers)
  const stopping = new AbortController()
  const { model } = services
  const app = createApp({
    meter,
    model,
    answers,
    tenants,
    board,
    handleMeterErrors,
    stopping: stopping.signal,
  })

  const server = createServer(getRequestListener(app.fetch))
  try {
    printStart(await listen(server, process.env.PORT), services)
  } catch (error) {
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
