import type { Meter, UsageRecord } from '@token-meter/core'
import { TenantUsage, type UsageTotals } from './usage-totals.ts'

/**
 * What each customer has used, kept up to date by the meter's own events. It begins empty with
 * every start of the server: what is billed is in the outbox, not here.
 */
export class UsageBoard {
  readonly #usage = new Map<string, TenantUsage>()
  readonly #watchers = new Map<string, Set<() => void>>()

  constructor(meter: Pick<Meter, 'on'>) {
    meter.on('usage', (record) => this.#change(record, (usage) => usage.add(record)))
    meter.on('delivered', ({ records }) => {
      for (const record of records) this.#change(record, (usage) => usage.markDelivered(record))
    })
    meter.on('covered', ({ records }) => {
      for (const record of records) this.#change(record, (usage) => usage.markCovered(record))
    })
    // From a delivery, or from the webhook: Stripe can refuse what it has accepted.
    meter.on('dead-letter', ({ record }) =>
      this.#change(record, (usage) => usage.markRefused(record)),
    )
  }

  of(customer: string): UsageTotals {
    return (this.#usage.get(customer) ?? new TenantUsage()).totals()
  }

  /** Calls the listener after each change of one customer's usage; the answer stops that. */
  watch(customer: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(customer) ?? new Set()
    this.#watchers.set(customer, watchers.add(listener))
    return () => {
      watchers.delete(listener)
      if (watchers.size === 0) this.#watchers.delete(customer)
    }
  }

  #change({ customer }: UsageRecord, change: (usage: TenantUsage) => void): void {
    if (customer === null) return
    const usage = this.#usage.get(customer) ?? new TenantUsage()
    this.#usage.set(customer, usage)
    change(usage)
    for (const notify of this.#watchers.get(customer) ?? []) notify()
  }
}
