import type { ObservedCall } from './call/observed-call.ts'
import type { CompletedReading, RecordSink } from './call/record-sink.ts'
import { MissingCustomerError } from './errors/missing-customer-error.ts'
import { ObserverError } from './errors/observer-error.ts'
import { OutboxError } from './errors/outbox-error.ts'
import type { TokenMeterError } from './errors/token-meter-error.ts'
import { UsageError } from './errors/usage-error.ts'
import type { Outbox } from './outbox/outbox.ts'
import { deriveRecordId, mintRecordId } from './usage/record-id.ts'
import { isZero } from './usage/token-counts.ts'
import type { UsageRecord } from './usage/usage-record.ts'

/** Makes usage records and puts them in the outbox, inside the caller's LLM call: it never throws. */
export class UsageKeeper implements RecordSink {
  readonly #outbox: Outbox
  readonly #kept: (record: UsageRecord) => void
  readonly #onFault: (error: TokenMeterError) => void
  #closed = false

  constructor(
    outbox: Outbox,
    kept: (record: UsageRecord) => void,
    onFault: (error: TokenMeterError) => void,
  ) {
    this.#outbox = outbox
    this.#kept = kept
    this.#onFault = onFault
  }

  keep(call: ObservedCall, readings: readonly CompletedReading[]): void | Promise<void> {
    const at = Date.now()
    const records = readings
      .map((reading, index) => toRecord(call, reading, at, index))
      .filter((record) => !isZero(record.tokens) || hasBilledDetails(record))
    for (const reading of readings) this.#reportOddUsage(call, reading)
    if (records.length === 0) return
    if (call.customer === null) this.#onFault(unattributed(call))
    return this.append(records)
  }

  /** Appends records; a failure is reported with the records in it, which are then nowhere else. */
  append(records: readonly UsageRecord[]): void | Promise<void> {
    const failed = (cause: unknown) => this.#onFault(notKept(this.#outbox, records, cause))
    if (this.#closed) return failed(new Error('the meter was closed'))
    try {
      const storing = this.#outbox.append(records)
      if (storing !== undefined) return storing.then(() => this.#tell(records), failed)
      this.#tell(records)
    } catch (cause) {
      failed(cause)
    }
  }

  fault(what: string, cause?: unknown): void {
    const reason =
      cause === undefined ? '' : `: ${cause instanceof Error ? cause.message : 'unknown'}`
    this.#onFault(new ObserverError(`${what}${reason}`, { cause }))
  }

  close(): void {
    this.#closed = true
  }

  #tell(records: readonly UsageRecord[]): void {
    for (const record of records) this.#kept(record)
  }

  #reportOddUsage(
    { call }: ObservedCall,
    { reading, estimated, interrupted }: CompletedReading,
  ): void {
    const { provider, endpoint } = call
    if (reading.problems.length > 0) {
      const problems = reading.problems.join('; ')
      this.#onFault(
        new UsageError(
          `${provider} answered odd usage for ${endpoint}: ${problems}. The record keeps it raw.`,
        ),
      )
    } else if (estimated.length > 0 && !interrupted) {
      this.#onFault(
        new UsageError(
          `a ${endpoint} call of ${provider} gave no count for ${estimated.join(' and ')}; its record is an estimate there`,
        ),
      )
    }
  }
}

function toRecord(
  { call, endpoint, customer, attributes }: ObservedCall,
  { reading, tokens, outcome, estimated }: CompletedReading,
  at: number,
  index: number,
): UsageRecord {
  const requestedModel = typeof call.body.model === 'string' ? call.body.model : null
  return {
    id:
      reading.identity === undefined
        ? mintRecordId(at)
        : deriveRecordId(...reading.identity, index),
    customer,
    provider: call.provider,
    model: reading.model ?? requestedModel ?? 'unknown',
    requestedModel,
    endpoint: endpoint.name,
    tokens,
    details: estimated.length > 0 ? { ...reading.details, estimated } : reading.details,
    outcome,
    at,
    serviceTier: reading.serviceTier ?? null,
    attributes,
    raw: reading.raw ?? null,
  }
}

function unattributed({ call }: ObservedCall): MissingCustomerError {
  return new MissingCustomerError(
    `no customer for a ${call.endpoint} call: neither meter(client, customer) nor withCustomer() ` +
      'named one. Its usage is kept unattributed; outbox.attribute(ids, customer) bills it later.',
  )
}

function hasBilledDetails({ details }: UsageRecord): boolean {
  return Boolean(
    details.seconds || details.characters || details.images || details.webSearchRequests,
  )
}

function notKept(outbox: Outbox, records: readonly UsageRecord[], cause: unknown): OutboxError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new OutboxError(
    `${records.length} usage record(s) could not be kept in ${outbox.description}: ${reason}. ` +
      `They are in this error's "records" and nowhere else: store them, and record() them again.`,
    { cause, records },
  )
}
