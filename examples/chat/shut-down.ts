import type { Meter } from '@token-meter/core'
import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningAnswers } from './running-answers.ts'

/** How long an answer under way may take to end by itself. */
const graceMs = 10_000

/** Stops without losing usage: no new request, the answers to their end, then every record to Stripe. */
export async function shutDown(
  server: Server,
  answers: RunningAnswers,
  meter: Meter,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  // Browsers keep a connection open after an answer, for their next request.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  await Promise.race([closed, sleep(graceMs, undefined, { ref: false })])
  clearInterval(idle)
  // Stops what took too long, as if its browser had left.
  server.closeAllConnections()
  await answers.idle()
  await meter.close()
}
