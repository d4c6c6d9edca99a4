/** How long after its use a key's last use is written down, in ms. */
const laterMs = 30_000

/** When keys were used last: written together, some time later, since nobody is billed by it. */
export class LastUses {
  readonly #write: (times: ReadonlyMap<string, number>) => Promise<void>
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  #times = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(
    write: (times: ReadonlyMap<string, number>) => Promise<void>,
    { now, onError }: { readonly now: () => number; readonly onError: (error: unknown) => void },
  ) {
    this.#write = write
    this.#now = now
    this.#onError = onError
  }

  note(id: string): void {
    if (this.#isClosed) return
    this.#times.set(id, this.#now())
    this.#timer ??= setTimeout(() => void this.#flush(), laterMs).unref()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#flush()
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const times = this.#times
    if (times.size === 0) return
    this.#times = new Map()
    try {
      await this.#write(times)
    } catch (error) {
      this.#onError(error)
    }
  }
}
