import { toMeterEvents, type TokenType, type UsageRecord } from '@token-meter/core'

/** What one tenant has used since the server started. */
export interface UsageTotals {
  readonly answers: number
  /** Answers that were stopped before the provider said what they used. */
  readonly estimated: number
  /** Answers whose usage Stripe does not have yet. */
  readonly undelivered: number
  /** Answers whose usage Stripe could not bill: dead letters, for somebody to look at. */
  readonly refused: number
  /** Answers that prepaid credit has paid for: Stripe gets nothing of them. */
  readonly covered: number
  readonly models: Readonly<Record<string, Partial<Readonly<Record<TokenType, number>>>>>
  readonly microdollars: number
}

/** Adds up the usage of one tenant, by the very events that Stripe bills. */
export class TenantUsage {
  #answers = 0
  #estimated = 0
  #covered = 0
  #microdollars = 0
  readonly #undelivered = new Set<string>()
  readonly #refused = new Set<string>()
  readonly #models: Record<string, Partial<Record<TokenType, number>>> = {}

  add(record: UsageRecord): void {
    this.#answers++
    if (record.outcome === 'estimated') this.#estimated++
    this.#undelivered.add(record.id)
    // To look at. What is charged are the decimals of the record itself.
    this.#microdollars += Math.round(Number(record.cost?.billed ?? 0) * 1_000_000)
    for (const { value, dimensions } of toMeterEvents(record)) {
      const type = dimensions.token_type as TokenType
      const tokens = (this.#models[dimensions.model] ??= {})
      tokens[type] = (tokens[type] ?? 0) + value
    }
  }

  markDelivered(record: UsageRecord): void {
    this.#undelivered.delete(record.id)
    this.#refused.delete(record.id)
  }

  markCovered(record: UsageRecord): void {
    if (this.#undelivered.delete(record.id)) this.#covered++
  }

  markRefused(record: UsageRecord): void {
    this.#undelivered.delete(record.id)
    this.#refused.add(record.id)
  }

  totals(): UsageTotals {
    return {
      answers: this.#answers,
      estimated: this.#estimated,
      undelivered: this.#undelivered.size,
      refused: this.#refused.size,
      covered: this.#covered,
      models: this.#models,
      microdollars: this.#microdollars,
    }
  }
}
