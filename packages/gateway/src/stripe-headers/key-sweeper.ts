/** Takes sealed keys away that are not needed any more: their records are settled, given up, or gone. */
import type { Outbox, RecordState } from '@token-meter/core/adapter'
import type { HeaderRow } from './header-note.ts'
import type { HeaderRows } from './header-rows.ts'

/** Stripe takes no usage that is older: what is a dead letter by then cannot be sent again. */
const deadForMs = 35 * 24 * 60 * 60 * 1000
const pageSize = 500

export class KeySweeper {
  readonly #rows: HeaderRows
  readonly #outbox: Pick<Outbox, 'statesOf'>
  readonly #sink: string
  readonly #everyMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #sweeping: Promise<void> | undefined
  #isClosed = false

  constructor(rows: HeaderRows, outbox: Pick<Outbox, 'statesOf'>, sink: string, everyMs: number) {
    this.#rows = rows
    this.#outbox = outbox
    this.#sink = sink
    this.#everyMs = everyMs
  }

  /** There may be something to be done. */
  arm(): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.sweep()
    }, this.#everyMs)
    this.#timer.unref()
  }

  /** Never rejects: what cannot be done now is done the next time. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#all().finally(() => (this.#sweeping = undefined))
    return this.#sweeping
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.sweep()
  }

  async #all(): Promise<void> {
    try {
      for (let after = ''; ;) {
        const page = await this.#rows.page(after, pageSize)
        const last = page.at(-1)
        if (last === undefined) return
        await this.#page(page)
        // Some are left: keys that are still needed, or that a record is nobody else's.
        this.arm()
        if (page.length < pageSize) return
        after = last.record
      }
    } catch {
      this.arm()
    }
  }

  async #page(page: readonly HeaderRow[]): Promise<void> {
    const states = await this.#outbox.statesOf(
      this.#sink,
      page.map(({ record }) => record),
    )
    const now = Date.now()
    const inState = (isIt: (state: RecordState | undefined, row: HeaderRow) => boolean) =>
      page.filter((row, index) => isIt(states[index], row)).map(({ record }) => record)
    await this.#rows.wipe(
      inState(
        (state, { sealed, at }) =>
          sealed !== null && state !== undefined && isOver(state, now - at),
      ),
    )
    await this.#rows.remove(inState((state) => state === undefined))
  }
}

function isOver(state: RecordState, ageMs: number): boolean {
  if (state === 'dead') return ageMs > deadForMs
  return state === 'delivered' || state === 'covered' || state === 'discarded'
}
