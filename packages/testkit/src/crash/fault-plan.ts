import type { Fault } from '../http/fault.ts'
import type { FakeStripe } from '../stripe/fake-stripe.ts'
import { drawFault, forgetful } from './draw-fault.ts'
import { createRandom } from './random.ts'

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

/** A third of the requests fail in some way, and a quarter of the others meet a forgotten key. */
export function createFaultPlan(stripe: FakeStripe, seed: string): FaultPlan {
  const random = createRandom(`${seed} faults`)
  const planned = new Map<number, { readonly kind: string; readonly fault: Fault }>()
  let end = Infinity
  let next = 0

  function plan(kind: string, fault: Fault, options: { times: number; skip?: number }): void {
    stripe.failWith(fault, options)
    next += options.skip ?? 0
    for (let count = 0; count < options.times; count++) planned.set(next++, { kind, fault })
  }

  return {
    keepGoing() {
      while (next < stripe.requests.length + ahead) {
        const calm = random.between(0, 6)
        const isForgetful = calm > 0 && random.next() < 0.25
        if (isForgetful) plan('key forgotten', forgetful, { times: calm })
        // Now and then nothing goes right for a while.
        const times = random.next() < 0.015 ? random.between(10, 60) : 1
        const { kind, fault } = drawFault(random)
        plan(kind, fault, { times, skip: isForgetful ? 0 : calm })
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
