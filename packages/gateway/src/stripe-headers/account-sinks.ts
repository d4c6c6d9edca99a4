/** The sinks of accounts whose keys came with requests: each is kept for a while, because the next request has the same. */
import type { Sink } from '@token-meter/core/adapter'

const most = 100
const idleMs = 10 * 60 * 1000

interface KnownSink {
  readonly sink: Sink
  /** How many batches it sends now. */
  users: number
  usedAt: number
}

export class AccountSinks {
  readonly #connect: (apiKey: string) => Sink
  /** Used longest ago first. */
  readonly #known = new Map<string, KnownSink>()

  constructor(connect: (apiKey: string) => Sink) {
    this.#connect = connect
  }

  /** @throws what `connect` throws for a key that is none. */
  async use<Value>(apiKey: string, work: (sink: Sink) => Promise<Value>): Promise<Value> {
    const known = this.#known.get(apiKey) ?? {
      sink: this.#connect(apiKey),
      users: 0,
      usedAt: 0,
    }
    this.#known.delete(apiKey)
    this.#known.set(apiKey, known)
    known.users++
    try {
      return await work(known.sink)
    } finally {
      known.users--
      known.usedAt = Date.now()
      await this.forget()
    }
  }

  /** Closes those that were not used for a while, and the oldest beyond so many. */
  async forget(): Promise<void> {
    const before = Date.now() - idleMs
    for (const [apiKey, { users, usedAt }] of this.#known) {
      if (users > 0 || (usedAt > before && this.#known.size <= most)) continue
      await this.#end(apiKey)
    }
  }

  async close(): Promise<void> {
    for (const apiKey of this.#known.keys()) await this.#end(apiKey)
  }

  async #end(apiKey: string): Promise<void> {
    const known = this.#known.get(apiKey)
    this.#known.delete(apiKey)
    try {
      await known?.sink.close?.()
    } catch {
      // It holds nothing of ours.
    }
  }
}
