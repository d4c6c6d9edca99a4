import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { createRandom, type Random } from './random.ts'
import type { WorkerMessage, WorkerOrder } from './worker-order.ts'

/** A process that is killed. */
export interface Victim {
  /** It was past its start. */
  readonly wasReady: boolean
}

/** What the slots of a run tell, and who says when they end. */
export interface SlotListener {
  /** Its time has come: the answer kills it, and maybe others with it. */
  due(slot: WorkerSlot, together: boolean): void
  killed(victim: Victim): void
  fault(message: string): void
}

/** How the fault of a process begins that nobody had killed. */
export const endedByItself = 'a process ended by itself'

/** When a process is to be killed: this long after its start, or after it is at work. */
interface Fate {
  readonly from: 'start' | 'ready'
  readonly afterMs: number
  /** All the others are killed at the same moment. */
  readonly together: boolean
}

/** One place in a run: a process, and after its end the next one. */
export class WorkerSlot {
  readonly #order: WorkerOrder
  readonly #random: Random
  readonly #listener: SlotListener
  #child: ChildProcess | undefined
  #isReady = false
  #isOver = false
  #starts = 0

  constructor(order: WorkerOrder, seed: string, listener: SlotListener) {
    this.#order = order
    this.#random = createRandom(`${seed} ${order.name}`)
    this.#listener = listener
  }

  start(): void {
    const name = `${this.#order.name}.${this.#starts++}`
    const fate = drawFate(this.#random)
    const child = startWorker({ ...this.#order, name }, this.#listener.fault)
    const due = () => {
      if (this.#child === child) this.#listener.due(this, fate.together)
    }
    this.#child = child
    this.#isReady = false
    if (fate.from === 'start') setTimeout(due, fate.afterMs)
    child.on('message', (message: WorkerMessage) => {
      if ('fault' in message || this.#child !== child) return
      this.#isReady = true
      if (fate.from === 'ready') setTimeout(due, fate.afterMs)
    })
    child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL') this.#listener.fault(`${endedByItself}, with ${code}`)
      if (!this.#isOver) this.start()
    })
  }

  /** Kills its process, which another follows. */
  kill(): void {
    const child = this.#child
    this.#child = undefined
    if (child?.kill('SIGKILL')) this.#listener.killed({ wasReady: this.#isReady })
  }

  /** Kills its process, the last. */
  async end(): Promise<void> {
    this.#isOver = true
    const child = this.#child
    this.kill()
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit')
    }
  }
}

/** Starts a process; what it has to say of faults is handed on. */
export function startWorker(order: WorkerOrder, fault: (message: string) => void): ChildProcess {
  const child = spawn(process.execPath, [order.script, JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: dirname(order.script) },
  })
  child.stderr?.on('data', (text) => fault(`stderr: ${text}`))
  child.on('message', (message: WorkerMessage) => {
    if ('fault' in message) fault(message.fault)
  })
  return child
}

function drawFate(random: Random): Fate {
  const kind = random.next()
  const together = random.next() < 0.04
  if (kind < 0.15) return { from: 'start', afterMs: random.between(0, 800), together }
  if (kind < 0.25) return { from: 'ready', afterMs: random.between(0, 5), together }
  if (kind < 0.3) return { from: 'ready', afterMs: random.between(1000, 3000), together }
  return { from: 'ready', afterMs: random.between(0, 800), together }
}
