/**
 * One outbox and the deliveries from it. A record's trip:
 *
 *     a call of a wrapped client ──> recorder ── to-record, price, livemode ──> outbox.append
 *     meter.record() ────────────────┘                                             │
 *         'usage' <── it is in the outbox ── wakes each delivery ── extends the request's lifetime
 *                                                    │
 *     outbox.claim <── delivery, one a sink ─────────┘
 *         ├─ accepted ──> delivered: 'delivered'; in the ledger until it is pruned
 *         ├─ paid for by prepaid credit ──> covered: 'covered', and nothing is sent
 *         ├─ retry ─────> pending again, after a pause: 'retrying'
 *         └─ rejected ──> dead letter: 'dead-letter' and an error, until outbox.requeue or discard
 *
 * A record that nobody pays for is unattributed, and test usage is held back from a live sink: no
 * sink is given either until the application says so.
 */
import { pricing } from '../cost/pricing.ts'
import { DeliveryWaiter } from '../delivery/await-delivery.ts'
import { Delivery, type DeliveryListener } from '../delivery/delivery.ts'
import { deliveryOptions } from '../delivery/options.ts'
import { sinkOfUncovered } from '../delivery/covered.ts'
import { SinkArrival } from '../delivery/sink-arrival.ts'
import { defaultOutbox } from '../environment/default-outbox.ts'
import { checkRuntime } from '../environment/runtime.ts'
import type { TokenMeterError } from '../errors/errors.ts'
import { handleRejection } from '../lib/promises.ts'
import { isNextBuild } from '../lib/runtime.ts'
import { checkedOutbox } from '../outbox/checked-outbox.ts'
import type { Correction, Outbox } from '../outbox/outbox.ts'
import { checkSinks } from '../sink/built-in.ts'
import { pricedSinks } from '../sink/priced-sinks.ts'
import { keepingSums } from '../sink/send-sums.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { MeterEmitter, deliveryListener } from './events.ts'
import { environmentLivemode, livemodeOf, sinkMode } from './livemode.ts'
import { type ManualUsage, toUsageRecord } from './manual-usage.ts'
import {
  type CloseOptions,
  type FlushOptions,
  type MeterOptions,
  checkOptions,
  timeoutOf,
} from './options.ts'
import { UsageRecorder } from './recorder.ts'
import { pruneRegularly } from './retention.ts'
import { Shutdown } from './shutdown.ts'
import { type MeterStats, countUsage } from './stats.ts'
import { RequestLifetime } from './wait-until.ts'

export interface PipelineOptions {
  /** Nothing that the environment says or lacks is an error; it is reported. @default false */
  readonly tolerant?: boolean
}

/** What a meter records into. */
export class Pipeline {
  /** For applications: it refuses the name of a sink that there is not. */
  readonly outbox: Outbox
  readonly recorder: UsageRecorder
  readonly on: MeterEmitter['on']
  readonly emitError: (error: TokenMeterError) => void
  readonly #outbox: Outbox
  readonly #events: MeterEmitter
  readonly #listener: DeliveryListener
  readonly #deliveries: readonly Delivery[]
  readonly #waiter: DeliveryWaiter
  readonly #shutdown: Shutdown
  readonly #stopPruning: () => void

  constructor(options: MeterOptions, { tolerant = false }: PipelineOptions = {}) {
    checkOptions(options)
    checkRuntime()
    const sinks = checkSinks(options.sinks)
    const deliverySettings = deliveryOptions(options.delivery)
    const stated = options.livemode ?? environmentLivemode(tolerant)
    const events = new MeterEmitter(options.onError)
    const onError = events.emitError
    const outbox = options.outbox ?? defaultOutbox({ report: onError, tolerant })
    outbox.onFault?.(onError)
    // A build only looks at the application: nothing is opened, sent or pruned. Should a page that it
    // renders use the meter, the first record wakes delivery.
    const isBuild = isNextBuild()
    if (!isBuild) handleRejection(outbox.prepare?.())
    const price = options.cost && pricing(options.cost, onError)

    this.on = events.on
    this.emitError = onError
    this.#events = events
    this.#outbox = outbox
    const ownNames = sinks.map(({ name }) => name)
    this.outbox = checkedOutbox(outbox, new Set(ownNames))
    const listener = deliveryListener(events, (sink, id) => this.#waiter.settled(sink, id))
    this.#listener = listener
    this.#deliveries = pricedSinks(sinks.map(keepingSums), price).map((priced) => {
      const mode = sinkMode(priced)
      const sink = mode === 'observer' ? priced : sinkOfUncovered(priced, outbox, listener.fault)
      const arrival = new SinkArrival(sink, { outbox, ownNames, report: onError, mode })
      return new Delivery({ sink, arrival, outbox, options: deliverySettings, listener })
    })
    this.#waiter = new DeliveryWaiter(outbox, this.#deliveries)
    this.recorder = new UsageRecorder({
      outbox,
      onRecorded: (record) => this.#recorded(record),
      onError,
      lifetime: new RequestLifetime({ ...options, waiter: this.#waiter, onError }),
      price,
      livemode: livemodeOf(stated, sinks, outbox, tolerant),
    })
    this.#shutdown = new Shutdown({
      outbox,
      recorder: this.recorder,
      deliveries: this.#deliveries,
      stats: () => this.stats(),
      onError,
      isIdle: isBuild,
    })
    this.#stopPruning = isBuild ? () => {} : pruneRegularly(outbox, options.retentionMs, onError)
    if (!isBuild) for (const delivery of this.#deliveries) delivery.wake()
  }

  async record(usage: ManualUsage): Promise<void> {
    await this.recorder.recordManual(toUsageRecord(usage), usage)
  }

  readonly correct = async (
    sink: string,
    ids: readonly string[],
    correction: Correction,
  ): Promise<number> => {
    const { state, reason } = correction
    let moved = 0
    // One by one, to know which ones are dead letters now.
    for (const id of ids) {
      const count = await this.outbox.correct(sink, [id], correction)
      moved += count
      const record = count > 0 && state === 'dead' ? await this.outbox.find(id) : undefined
      if (record !== undefined) this.#listener.deadLetter(sink, record, reason)
    }
    return moved
  }

  async stats(): Promise<MeterStats> {
    const { finalStats } = this.#shutdown
    if (finalStats !== undefined) return finalStats
    const counts = await countUsage(this.#outbox, this.#deliveries)
    return { ...counts, errors: this.#events.errorCount }
  }

  flush(options?: FlushOptions): Promise<MeterStats> {
    try {
      return this.#shutdown.flush(timeoutOf('flush', options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  close(options?: CloseOptions): Promise<void> {
    try {
      const timeoutMs = timeoutOf('close', options)
      this.#stopPruning()
      return this.#shutdown.close(timeoutMs)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #recorded(record: UsageRecord): void {
    this.#events.emit('usage', record)
    for (const delivery of this.#deliveries) delivery.wake(record.id)
  }
}
