import { checkAttributes } from './call/customer.ts'
import { checkOnInterrupted } from './call/estimate-policy.ts'
import { Delivery } from './delivery/delivery.ts'
import { deliveryOptions } from './delivery/delivery-options.ts'
import { flushDeliveries } from './delivery/flush.ts'
import { defaultOutbox } from './environment/default-outbox.ts'
import { ConfigError } from './errors/config-error.ts'
import { DeliveryError } from './errors/delivery-error.ts'
import { FlushError } from './errors/flush-error.ts'
import { ObserverError } from './errors/observer-error.ts'
import type { TokenMeterError } from './errors/token-meter-error.ts'
import { flushOnExit } from './exit-flush.ts'
import { warnOnConsole } from './fault-log.ts'
import { checkTimeout } from './flush-timeout.ts'
import { checkTokenizer } from './guarded-tokenizer.ts'
import { handleRejection } from './handle-rejection.ts'
import { type ManualUsage, toUsageRecord } from './manual-usage.ts'
import { MeterEmitter, type MeterEvents } from './meter-events.ts'
import type { MeterOptions } from './meter-options.ts'
import type { Outbox } from './outbox/outbox.ts'
import { checkRetention, pruneRegularly } from './retention.ts'
import { checkSinks } from './sink/check-sinks.ts'
import type { MeterStats } from './stats.ts'
import { UsageKeeper } from './usage-keeper.ts'

export interface FlushOptions {
  /** @default 30000 */
  readonly timeoutMs?: number
}

export interface CloseOptions {
  /** @default 10000 */
  readonly timeoutMs?: number
}

/** A flush that others at the same moment share. */
interface Flushing {
  /** Appends that it covers. */
  readonly begun: number
  readonly timeoutMs: number
  readonly beganAt: number
  readonly done: Promise<MeterStats>
}

/** Flushes that begin this close together, in ms, have as good as the same deadline. */
const sameMomentMs = 10

/** How long an ending process may take to deliver what it has, in ms. */
const durableExitMs = 2_000
const memoryExitMs = 10_000

/** One outbox and the deliveries from it: what a meter records into. */
export class Pipeline {
  readonly outbox: Outbox
  readonly keeper: UsageKeeper
  readonly #events: MeterEmitter
  readonly #deliveries: readonly Delivery[]
  readonly #release: (() => void)[] = []
  #errors = 0
  #flushing: Flushing | undefined
  #flushedAtExit: number | undefined
  #closing: Promise<void> | undefined
  readonly report: (error: TokenMeterError) => void

  constructor(options: MeterOptions) {
    checkOptions(options)
    const sinks = checkSinks(options.sinks)
    const pace = deliveryOptions(options.delivery)
    checkRetention(options.retentionMs)
    const onError = options.onError ?? warnOnConsole()
    this.#events = new MeterEmitter((cause) =>
      this.report(new ObserverError('a listener of on() threw', { cause })),
    )
    this.report = (error) => {
      this.#errors++
      try {
        // An async handler's failure is handled as well.
        handleRejection(onError(error))
      } catch {
        // Nothing is left to tell; a fault of the error handler must not reach the LLM call.
      }
      if (error.code !== 'observer') this.#events.emit('error', error)
    }
    this.outbox = options.outbox ?? defaultOutbox(this.report)
    this.keeper = new UsageKeeper(this.outbox, (record) => this.#kept(record), this.report)
    this.#deliveries = sinks.map(
      (sink) => new Delivery(sink, this.outbox, pace, this.#deliveryReport()),
    )
    this.#release.push(flushOnExit(() => this.#flushAtExit()))
    this.#release.push(pruneRegularly(this.outbox, options.retentionMs, this.report))
    for (const delivery of this.#deliveries) delivery.wake()
  }

  readonly on = <Name extends keyof MeterEvents>(
    name: Name,
    listener: (event: MeterEvents[Name]) => void,
  ): (() => void) => this.#events.on(name, listener)

  async record(usage: ManualUsage): Promise<void> {
    await this.keeper.record(toUsageRecord(usage))
  }

  async stats(): Promise<MeterStats> {
    const sinks = await Promise.all(
      this.#deliveries.map(
        async ({ sink }) => [sink.name, await this.outbox.stats(sink.name)] as const,
      ),
    )
    return {
      recorded: await this.outbox.recorded(),
      sinks: Object.fromEntries(sinks),
      errors: this.#errors,
    }
  }

  flush(options: FlushOptions = {}): Promise<MeterStats> {
    try {
      checkTimeout('flush', options.timeoutMs)
    } catch (error) {
      return Promise.reject(error)
    }
    const { timeoutMs = 30_000 } = options
    const { begun } = this.keeper
    const beganAt = performance.now()
    const running = this.#flushing
    if (
      running?.begun === begun &&
      running.timeoutMs === timeoutMs &&
      beganAt - running.beganAt < sameMomentMs
    ) {
      return running.done
    }
    const done = this.#flushNow(timeoutMs)
    const flushing = { begun, timeoutMs, beganAt, done }
    this.#flushing = flushing
    const over = () => {
      if (this.#flushing === flushing) this.#flushing = undefined
    }
    done.then(over, over)
    return done
  }

  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkTimeout('close', options.timeoutMs)
    } catch (error) {
      return Promise.reject(error)
    }
    return (this.#closing ??= this.#closeNow(options))
  }

  async #flushNow(timeoutMs: number): Promise<MeterStats> {
    await flushDeliveries(this.outbox, this.#deliveries, timeoutMs, this.keeper.stored())
    return await this.stats()
  }

  async #flushAtExit(): Promise<void> {
    // The event comes again after every asynchronous round: only new records are worth another.
    if (this.#flushedAtExit === this.keeper.begun && !this.keeper.isStoring) return
    this.#flushedAtExit = this.keeper.begun
    const timeoutMs = this.outbox.durable ? durableExitMs : memoryExitMs
    // What was not delivered was reported; a durable outbox keeps it for the next process.
    await this.flush({ timeoutMs }).catch(() => {})
    this.keeper.reportUnstored()
  }

  async #closeNow({ timeoutMs = 10_000 }: CloseOptions): Promise<void> {
    for (const release of this.#release) release()
    // What is left is counted below, when nothing more can come.
    await this.flush({ timeoutMs }).catch(() => {})
    this.keeper.close()
    await Promise.all(this.#deliveries.map((delivery) => delivery.stop()))
    const { sinks } = await this.stats()
    await this.outbox.close()
    const pending = Object.entries(sinks).flatMap(([name, stats]) =>
      stats.pending > 0 ? [[name, stats.pending] as const] : [],
    )
    if (this.outbox.durable || pending.length === 0) return
    const lost = pending.map(([name, count]) => `${count} for "${name}"`).join(', ')
    throw new FlushError(
      `close() ended with records in memory that no sink took: ${lost}. They are lost with it; ` +
        'an outbox on disk would have kept them',
      { pending: Object.fromEntries(pending) },
    )
  }

  #kept(record: MeterEvents['usage']): void {
    this.#events.emit('usage', record)
    for (const delivery of this.#deliveries) delivery.wake()
  }

  #deliveryReport(): ConstructorParameters<typeof Delivery>[3] {
    return {
      delivered: (sink, records) => this.#events.emit('delivered', { sink, records }),
      retrying: (sink, records, reason, afterMs) =>
        this.#events.emit('retrying', { sink, records, reason, afterMs }),
      deadLetter: (sink, record, reason) => {
        this.#events.emit('dead-letter', { sink, record, reason })
        this.report(
          new DeliveryError(
            `the sink "${sink}" refused record ${record.id}, which is a dead letter now (fix the cause ` +
              `and call outbox.requeue("${sink}")): ${reason}`,
            { sink },
          ),
        )
      },
      fault: (sink, what, cause) =>
        this.report(new DeliveryError(`${sink}: ${what}`, { sink, cause })),
    }
  }
}

function checkOptions({
  providers,
  outbox,
  attributes,
  onMissingCustomer,
  onInterrupted,
  tokenizer,
  onError,
}: MeterOptions): void {
  if (
    !Array.isArray(providers) ||
    providers.some((provider) => typeof provider?.observe !== 'function')
  ) {
    throw new ConfigError('createMeter() needs providers, such as { providers: [openaiProvider] }')
  }
  if (outbox !== undefined && typeof outbox?.append !== 'function') {
    throw new ConfigError('outbox must be an outbox, such as sqliteOutbox("usage.db")')
  }
  if (attributes !== undefined) checkAttributes(attributes)
  if (!['record', 'throw', undefined].includes(onMissingCustomer)) {
    throw new ConfigError('onMissingCustomer must be "record" or "throw"')
  }
  checkOnInterrupted(onInterrupted)
  checkTokenizer(tokenizer)
  if (onError !== undefined && typeof onError !== 'function') {
    throw new ConfigError('onError must be a function')
  }
}
