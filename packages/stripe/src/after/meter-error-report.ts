/** What one notification about meter errors came to. */
export interface MeterErrorReport {
  /** Of Stripe's event: the same notification can come more than once. */
  readonly eventId: string
  /** The meter, `mtr_...`; absent where there is none for the event name. */
  readonly meter: string | undefined
  /** When Stripe looked at the events, in ms since the epoch. */
  readonly fromMs: number | undefined
  readonly untilMs: number | undefined
  /** Records that are dead letters because of it: now, or since it came before. */
  readonly deadLetters: readonly RefusedRecord[]
  /** Records that are still on their way, so that Stripe was asked to come again. */
  readonly pending: readonly string[]
  /** Identifiers that the ledger does not know: of another program, or pruned. */
  readonly unknown: readonly string[]
  /** Errors that the report counts without naming the events: compare the sums with `reconcileUsage`. */
  readonly unnamed: readonly { readonly code: string; readonly count: number }[]
}

/** A record of which Stripe refused something after it had accepted it. */
export interface RefusedRecord {
  readonly recordId: string
  readonly customer: string | null
  readonly eventIds: readonly string[]
  readonly reason: string
}

/** One line for a log. */
export function reportLine(report: MeterErrorReport): string {
  const { deadLetters, pending, unknown, unnamed, meter = 'no meter', eventId } = report
  const missing = unnamed.map(({ code, count }) => `${count} ${code}`).join(', ')
  const parts = [
    `${deadLetters.length} records are dead letters`,
    pending.length > 0 ? `${pending.length} are still on their way` : '',
    unknown.length > 0 ? `${unknown.length} identifiers are unknown` : '',
    missing === '' ? '' : `not named: ${missing} (compare the sums with reconcileUsage)`,
  ]
  return `Stripe could not bill events that it had accepted (${eventId}, ${meter}): ${parts.filter(Boolean).join('; ')}`
}
