import type { Meter } from '@token-meter/core'
import type { Credits } from '@token-meter/credits'

/** Told of one customer's credit: `balance` with what is left, and what credits tell by themselves. */
export type CreditListener = (event: string, data: object) => void

const told = ['granted', 'low', 'exhausted', 'expired', 'debt'] as const

/** What customers have left, as it changes. */
export class CreditBoard {
  readonly #credits: Credits
  readonly #listeners = new Map<string, Set<CreditListener>>()

  constructor(credits: Credits, meter: Pick<Meter, 'on'>) {
    this.#credits = credits
    for (const name of told) {
      credits.on(name, (event) => {
        this.#tell(event.customer, name, event)
        void this.#tellBalance(event.customer)
      })
    }
    // Its record has settled what was held for it by now.
    meter.on('usage', ({ customer }) => {
      if (customer !== null) void this.#tellBalance(customer)
    })
  }

  /** Tells a listener what is left, now and after each change; the answer stops that. */
  async watch(customer: string, listener: CreditListener): Promise<() => void> {
    const listeners = this.#listeners.get(customer) ?? new Set()
    this.#listeners.set(customer, listeners.add(listener))
    await this.#tellBalance(customer)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(customer)
    }
  }

  async #tellBalance(customer: string): Promise<void> {
    if (!this.#listeners.has(customer)) return
    // With what is set aside for answers under way: most of that comes back.
    const { posted } = await this.#credits.balance(customer)
    this.#tell(customer, 'balance', { left: posted })
  }

  #tell(customer: string, name: string, event: object): void {
    for (const listener of this.#listeners.get(customer) ?? []) listener(name, event)
  }
}
