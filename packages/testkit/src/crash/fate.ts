import type { AmbushPlan } from './ambush.ts'
import type { Moment } from './moments.ts'
import type { Random } from './random.ts'
import type { WorkerRole } from './worker-order.ts'

/** When a process is to be killed. */
export interface Fate {
  /** This long after its start, or after it is at work. */
  readonly from: 'start' | 'ready'
  readonly afterMs: number
  /** All the others are killed at the same moment. */
  readonly together: boolean
  /** Before that, in the middle of what is over in no time. */
  readonly ambush?: AmbushPlan
}

/** How far into its moment an ambush kills at the most, in microseconds. */
const latestUs = 2000

export function drawFate(random: Random, role: WorkerRole): Fate {
  const kind = random.next()
  const together = random.next() < 0.04
  if (kind < 0.1) return { from: 'start', afterMs: random.between(0, 800), together }
  if (kind < 0.2) return { from: 'ready', afterMs: random.between(0, 5), together }
  if (kind < 0.25) return { from: 'ready', afterMs: random.between(1000, 3000), together }
  if (kind < 0.55) {
    return { from: 'ready', afterMs: 1200, together, ambush: drawAmbush(random, role) }
  }
  return { from: 'ready', afterMs: random.between(0, 800), together }
}

function drawAmbush(random: Random, role: WorkerRole): AmbushPlan {
  // As often within the first few microseconds as within hundreds.
  const afterUs = Math.floor(latestUs ** random.next())
  return { moment: random.oneOf(ambushed[role]), spared: random.between(0, 4), afterUs }
}

const ofDelivery = ['claim', 'settle', 'settle'] as const

const ambushed: Readonly<Record<WorkerRole, readonly [Moment, ...Moment[]]>> = {
  produce: ['append'],
  deliver: ofDelivery,
  both: ['append', 'append', 'append', ...ofDelivery],
  drain: ofDelivery,
}
