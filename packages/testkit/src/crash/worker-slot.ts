import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { drawFate } from './fate.ts'
import { type Moment, readMoments } from './moments.ts'
import { createRandom, type Random } from './random.ts'
import type { WorkerMessage, WorkerOrder } from './worker-order.ts'

/** A process that was killed. */
export interface Victim {
  /** What it was in the middle of; `undefined` when it had not started to work. */
  readonly moments: readonly Moment[] | undefined
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

/** A process that takes longer until it is at work hangs, in ms. */
const mostStartMs = 60_000

/** One place in a run: a process, and after its end the next one. */
export class WorkerSlot {
  readonly #order: WorkerOrder
  readonly #random: Random
  readonly #listener: SlotListener
  #child: ChildProcess | undefined
  #isOver = false
  #starts = 0

  constructor(order: WorkerOrder, seed: string, listener: SlotListener) {
    this.#order = order
    this.#random = createRandom(`${seed} ${order.name}`)
    this.#listener = listener
  }

  start(): void {
    const name = `${this.#order.name}.${this.#starts++}`
    const { from, afterMs, together, ambush } = drawFate(this.#random, this.#order.role)
    const order = { ...this.#order, name, ...(ambush && { ambush }) }
    const child = startWorker(order, this.#listener.fault)
    const due = () => {
      if (this.#child === child) this.#listener.due(this, together)
    }
    this.#child = child
    if (from === 'start') setTimeout(due, afterMs)
    const giveUp = setTimeout(() => {
      this.#listener.fault(`a process was not at work within ${mostStartMs} ms`)
      child.kill('SIGTERM')
    }, mostStartMs)
    child.on('message', (message: WorkerMessage) => {
      if (!('ready' in message)) return
      clearTimeout(giveUp)
      if (from === 'ready') setTimeout(due, afterMs)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(giveUp)
      if (signal === 'SIGKILL') {
        this.#listener.killed({ moments: readMoments(join(this.#order.momentLogs, name)) })
      } else this.#listener.fault(`${endedByItself}, with ${code ?? signal}`)
      if (!this.#isOver) this.start()
    })
  }

  /** Kills its process, which another follows. */
  kill(): void {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
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
