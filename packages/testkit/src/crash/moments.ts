import { openSync, readFileSync, writeSync } from 'node:fs'

/**
 * What a process can be in the middle of when it is killed:
 * - `call`, `stream`: a model's answer has not begun; has begun, and is not over.
 * - `append`: usage is being written, and is not acknowledged.
 * - `claim`: a batch is being claimed.
 * - `send`: a batch is being sent, and Stripe has taken nothing of it.
 * - `answered`: Stripe has taken some of a batch or all, and the outbox does not know.
 * - `settle`: that is being written.
 */
export const moments = ['call', 'stream', 'append', 'claim', 'send', 'answered', 'settle'] as const
export type Moment = (typeof moments)[number]

/** Who waits for a moment, to kill the process in it. */
export interface MomentWatch {
  /** True where it wants to be told how this one goes. */
  meet(moment: Moment): boolean
  begun(): void
  over(): void
}

/** Says in a file what its process is in the middle of: all that is left of it after a SIGKILL. */
export class MomentLog {
  readonly #counts = new Int32Array(moments.length)
  readonly #file: number
  readonly #ambush: MomentWatch | undefined

  /** @param ambush met at the moments that are gone through by `during`. */
  constructor(path: string, ambush?: MomentWatch) {
    this.#ambush = ambush
    this.#file = openSync(path, 'w')
    this.#write()
  }

  /** From one moment to the next, of which either can be none. */
  move(from: Moment | undefined, to: Moment | undefined): void {
    if (from !== undefined) this.#add(from, -1)
    if (to !== undefined) this.#add(to, 1)
    this.#write()
  }

  /** Does the work in a moment of its own; what it answers, and when, stays the same. */
  during<Value>(moment: Moment, work: () => Value): Value {
    const over = this.#begin(moment)
    let isLater = false
    try {
      const value = work()
      if (!(value instanceof Promise)) return value
      isLater = true
      return value.finally(over) as Value
    } finally {
      if (!isLater) over()
    }
  }

  #begin(moment: Moment): () => void {
    const ambush = this.#ambush?.meet(moment) === true ? this.#ambush : undefined
    this.move(undefined, moment)
    ambush?.begun()
    return () => {
      ambush?.over()
      this.move(moment, undefined)
    }
  }

  #add(moment: Moment, change: number): void {
    const index = moments.indexOf(moment)
    this.#counts[index] = (this.#counts[index] ?? 0) + change
  }

  #write(): void {
    writeSync(this.#file, this.#counts, 0, this.#counts.byteLength, 0)
  }
}

/** What the process with this log was in the middle of; `undefined` when it had not opened it yet. */
export function readMoments(path: string): readonly Moment[] | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined
  }
  if (bytes.byteLength === 0) return undefined
  const counts = new Int32Array(new Uint8Array(bytes).buffer)
  return moments.filter((_, index) => (counts[index] ?? 0) > 0)
}
