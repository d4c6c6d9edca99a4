import type { Fault } from '../http/fault.ts'
import type { Random } from './random.ts'

/** Not a failure: what was sent before is answered as a duplicate, and not with its first answer. */
export const forgetful: Fault = { forgetsKey: true }

const rateLimits = [
  'endpoint-rate',
  'endpoint-concurrency',
  'global-rate',
  'global-concurrency',
  'resource-specific',
] as const

type DrawFault = (random: Random) => Fault

const faults: readonly [readonly [string, DrawFault], ...(readonly [string, DrawFault])[]] = [
  [
    '429',
    (random) => ({
      status: 429,
      headers: { 'stripe-rate-limited-reason': random.oneOf(rateLimits) },
    }),
  ],
  ['409', () => ({ status: 409 })],
  ['500 before processing', () => ({ status: 500 })],
  ['500 after processing', () => ({ status: 500, processed: true })],
  ['503 before processing', () => ({ status: 503 })],
  ['503 after processing', () => ({ status: 503, processed: true })],
  ['reset before processing', () => ({ connection: 'reset' })],
  ['reset after processing', () => ({ connection: 'reset', processed: true })],
  ['timeout before processing', () => ({ connection: 'hang' })],
  ['timeout after processing', () => ({ connection: 'hang', processed: true })],
  // The slowest are given up before they are answered.
  ['slow', (random) => ({ delayMs: random.between(20, 300) })],
]

/** One of the ways in which a request to Stripe can fail, all equally likely. */
export function drawFault(random: Random): { readonly kind: string; readonly fault: Fault } {
  const [kind, draw] = random.oneOf(faults)
  return { kind, fault: draw(random) }
}
