/**
 * One run of token-meter, top to bottom: clients are metered, calls are made, their usage goes
 * through the outbox to Stripe, and the bill is checked against what was recorded.
 */
import { createMeter, type UsageRecord } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { billOf } from './bill.ts'
import { answerAQuestion, reason, stopAStream, streamAnAnswer, useATool } from './calls.ts'
import { checkBill } from './check-bill.ts'
import { explainError } from './explain-error.ts'
import { showBill, showCheck } from './bill-report.ts'
import { showEvents, showFaults, showLedger, showServices, showUsage } from './report.ts'
import { startServices } from './services.ts'
import { printCode, printHeading } from './terminal.ts'

async function demo(): Promise<void> {
  await using services = await startServices(process.env)
  const { customers, models, stripe } = services
  const ledger = join(mkdtempSync(join(tmpdir(), 'token-meter-demo-')), 'usage.db')
  showServices({ ...services.descriptions, outbox: ledger })

  const faults: string[] = []
  await using meter = createMeter({
    providers: [openaiProvider],
    outbox: sqliteOutbox(ledger),
    sinks: [stripe.sink],
    onError: ({ message }) => faults.push(message),
  })
  const recorded: UsageRecord[] = []
  const delivered: UsageRecord[] = []
  meter.on('usage', (record) => recorded.push(record))
  meter.on('delivered', ({ records }) => delivered.push(...records))

  function meteredFor(customer: string): OpenAI {
    const openai = meter(new OpenAI(), customer)
    printCode(`const openai = meter(new OpenAI(), '${customer}')`)
    return openai
  }

  printHeading('1. Three customers use the real OpenAI SDK. One line meters each client.')
  const [ada, bob, eve] = customers
  const openaiOfAda = meteredFor(ada)
  await answerAQuestion(openaiOfAda, models.small)
  await useATool(openaiOfAda, models.large)
  const openaiOfBob = meteredFor(bob)
  await streamAnAnswer(openaiOfBob, models.small)
  await stopAStream(openaiOfBob, models.large)
  const openaiOfEve = meteredFor(eve)
  await reason(openaiOfEve, models.small)

  printHeading('2. What each request used. It was on disk before its call returned.')
  showUsage(recorded)
  showFaults(faults.splice(0))

  printHeading('3. What reached Stripe: one meter event per request and token type.')
  printCode('await meter.flush()')
  await meter.flush({ timeoutMs: 10_000 })
  const events = stripe.meterEvents(delivered)
  showEvents(events)

  printHeading('4. The bill, from the events that reached Stripe.')
  showBill(billOf(events))
  showFaults(faults)
  const check = checkBill(recorded, events)
  showCheck(check)
  if (check.problems.length > 0) process.exitCode = 1

  await meter.close()
  showLedger(ledger)
}

try {
  await demo()
} catch (error) {
  process.stderr.write(`\n${explainError(error)}\n`)
  process.exitCode = 1
}
