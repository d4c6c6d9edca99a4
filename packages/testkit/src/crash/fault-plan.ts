import type { Fault } from '../http/fault.ts'
import type { FakeStripe } from '../stripe/fake-stripe.ts'
import { createRandom, type Random } from './random.ts'

/** What a fake Stripe does wrong in a run: which request gets which fault is decided beforehand. */
export interface FaultPlan {
  /** Asks the fake for more faults where it is about to run out of them. */
  keepGoing(): void
  /** No more faults. */
  end(): void
  /** Faults served so far, by kind, and how many they are. */
  served(): Readonly<Record<string, number>>
  /** What the request with this index got, if anything. */
  at(requestIndex: number): Fault | undefined
}

const ahead = 5000

export function createFaultPlan(stripe: FakeStripe, seed: string): FaultPlan {
  const random = createRandom(`${seed} faults`)
  const planned = new Map<number, { readonly kind: string; readonly fault: Fault }>()
  let end = Infinity
  let next = 0
  return {
    keepGoing() {
      while (next < stripe.requests.length + ahead) {
        const skip = random.between(0, 14)
        // Now and then nothing goes right for a while.
        const times = random.next() < 0.03 ? random.between(10, 60) : 1
        const { kind, fault } = drawFault(random)
        stripe.failWith(fault, { skip, times })
        next += skip
        for (let count = 0; count < times; count++) planned.set(next++, { kind, fault })
      }
    },
    end() {
      end = stripe.requests.length
      stripe.recover()
    },
    served() {
      const counts: Record<string, number> = {}
      const until = Math.min(end, stripe.requests.length)
      for (const [index, { kind }] of planned) {
        if (index < until) counts[kind] = (counts[kind] ?? 0) + 1
      }
      return counts
    },
    at: (requestIndex) => (requestIndex < end ? planned.get(requestIndex)?.fault : undefined),
  }
}

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
  ['503', () => ({ status: 503 })],
  ['reset before processing', () => ({ connection: 'reset' })],
  ['reset after processing', () => ({ connection: 'reset', processed: true })],
  ['timeout before processing', () => ({ connection: 'hang' })],
  ['timeout after processing', () => ({ connection: 'hang', processed: true })],
  ['slow', (random) => ({ delayMs: random.between(20, 250) })],
]

function drawFault(random: Random): { readonly kind: string; readonly fault: Fault } {
  const [kind, draw] = random.oneOf(faults)
  return { kind, fault: draw(random) }
}
