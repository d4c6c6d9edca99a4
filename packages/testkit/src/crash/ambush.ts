import { Worker } from 'node:worker_threads'
import type { Moment } from './moments.ts'

/**
 * A kill in the middle of something too short to be hit by chance: a thread of the process itself
 * kills it, shortly after it has entered the moment, even while SQLite holds the main thread.
 */
export interface AmbushPlan {
  readonly moment: Moment
  /** How often the moment passes before. */
  readonly spared: number
  /** From the beginning of the moment, in microseconds. */
  readonly afterUs: number
}

/** What the thread is told at its start. */
export interface AmbushThread {
  /** One number, which says how far it is. */
  readonly shared: SharedArrayBuffer
  readonly afterUs: number
}

/** Where both threads are: in this order, and from `begun` back to `waiting`. */
export const stages = { starting: 0, waiting: 1, coming: 2, awake: 3, begun: 4 } as const

/** How long the moment is held up until the thread is awake, in ms. */
const mostMs = 20

export class Ambush {
  readonly #plan: AmbushPlan
  readonly #stage: Int32Array<SharedArrayBuffer>
  #spared = 0

  /** @param script of the thread. */
  constructor(plan: AmbushPlan, script: string) {
    this.#plan = plan
    const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    this.#stage = new Int32Array(shared)
    const workerData: AmbushThread = { shared, afterUs: plan.afterUs }
    new Worker(script, { workerData }).unref()
  }

  /** Wakes the thread for what is about to begin. False: not for this one. */
  meet(moment: Moment): boolean {
    if (moment !== this.#plan.moment || Atomics.load(this.#stage, 0) !== stages.waiting)
      return false
    if (this.#spared++ < this.#plan.spared) return false
    Atomics.store(this.#stage, 0, stages.coming)
    Atomics.notify(this.#stage, 0)
    const until = performance.now() + mostMs
    while (Atomics.load(this.#stage, 0) === stages.coming && performance.now() < until);
    const { coming, waiting } = stages
    return Atomics.compareExchange(this.#stage, 0, coming, waiting) !== coming
  }

  /** What it was woken for begins. */
  begun(): void {
    Atomics.store(this.#stage, 0, stages.begun)
  }

  /** What it was woken for is over, and the process still lives: the next time. */
  over(): void {
    Atomics.store(this.#stage, 0, stages.waiting)
  }
}
