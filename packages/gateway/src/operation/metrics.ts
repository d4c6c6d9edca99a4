/**
 * What `/metrics` answers. Labels are of what the configuration names, and of models: never of customers,
 * keys or paths.
 */
import { tokenTypes, type Meter, type UsageRecord } from '@token-meter/core'
import type { AccessEntry } from '../access-entry.ts'
import { Counter, DecimalCounter, gauge, Histogram } from './prometheus.ts'

/** A model is named by whoever asks, and an upstream may echo it: beyond so many, they are `other`. */
const maxModels = 200
const longestModel = 100

/** In seconds. */
const ofSelf = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const ofModels = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200]

const prefix = 'token_meter_gateway_'

/** What is counted elsewhere, as it is when it is asked for. */
export interface Gauges {
  /** By the name behind `token_meter_gateway_`, with what it is. A name that ends in `_total` counts up. */
  readonly [name: string]: { readonly help: string; readonly value: number }
}

export class Metrics {
  readonly #meter: Pick<Meter, 'on' | 'stats' | 'outbox'>
  readonly #gauges: () => Gauges
  readonly #models = new Set<string>()
  readonly #requests = new Counter(
    `${prefix}requests_total`,
    'Requests that are over, by how they ended.',
    ['upstream', 'status', 'outcome'],
  )
  readonly #refused = new Counter(
    `${prefix}refused_total`,
    'Requests that the gateway refused itself, by its reason.',
    ['code'],
  )
  readonly #unmetered = new Counter(
    `${prefix}unmetered_total`,
    'Requests that were passed on and may cost something that nobody could read.',
    ['upstream'],
  )
  readonly #bytes = new Counter(`${prefix}body_bytes_total`, 'Bytes of bodies.', ['direction'])
  readonly #records = new Counter(
    `${prefix}records_total`,
    'Usage records, by how much of them the provider itself said.',
    ['provider', 'outcome'],
  )
  readonly #tokens = new Counter(`${prefix}tokens_total`, 'Tokens that were recorded.', [
    'provider',
    'model',
    'token_type',
  ])
  readonly #cost = new DecimalCounter(
    `${prefix}cost_usd_total`,
    'What usage costs: of it, what the provider charges and what is billed. Usage without a price is in neither.',
    ['provider', 'model', 'of'],
  )
  readonly #seconds = new Histogram(
    `${prefix}request_seconds`,
    'From the head of a request to its end.',
    ['upstream'],
    ofModels,
  )
  readonly #added = new Histogram(
    `${prefix}added_seconds`,
    'From the head of a request until it went out to its upstream: body, key, payer, guard.',
    ['upstream'],
    ofSelf,
  )
  readonly #firstByte = new Histogram(
    `${prefix}upstream_first_byte_seconds`,
    'From then until the head of the answer.',
    ['upstream'],
    ofModels,
  )
  readonly #upstream = new Histogram(
    `${prefix}upstream_seconds`,
    'From when it went out until the last byte of the answer.',
    ['upstream'],
    ofModels,
  )
  readonly #stop: () => void

  /** @param gauges what the gateway counts itself. */
  constructor(meter: Pick<Meter, 'on' | 'stats' | 'outbox'>, gauges: () => Gauges = () => ({})) {
    this.#meter = meter
    this.#gauges = gauges
    this.#stop = meter.on('usage', (record) => this.#recorded(record))
  }

  /** A request is over. */
  observe(entry: AccessEntry): void {
    if (entry.outcome === 'own') return
    const upstream = entry.upstream ?? 'none'
    this.#requests.add([upstream, `${entry.status ?? 'none'}`, entry.outcome])
    if (entry.refusal !== undefined) this.#refused.add([entry.refusal])
    if (entry.unmetered) this.#unmetered.add([upstream])
    this.#bytes.add(['in'], entry.bytesIn)
    this.#bytes.add(['out'], entry.bytesOut)
    if (entry.upstream === null) return
    this.#seconds.observe([upstream], entry.ms / 1000)
    const { beforeMs, firstByteMs, upstreamMs } = entry
    if (beforeMs !== undefined) this.#added.observe([upstream], beforeMs / 1000)
    if (firstByteMs !== undefined) this.#firstByte.observe([upstream], firstByteMs / 1000)
    if (firstByteMs === undefined || upstreamMs === undefined) return
    this.#upstream.observe([upstream], (firstByteMs + upstreamMs) / 1000)
  }

  #recorded({ provider, model, outcome, tokens, cost }: UsageRecord): void {
    const known = this.#modelLabel(model)
    this.#records.add([provider, outcome])
    for (const { count, type } of tokenTypes) {
      if (tokens[count] > 0) this.#tokens.add([provider, known, type], tokens[count])
    }
    if (cost === undefined) return
    this.#cost.add([provider, known, 'provider'], cost.provider)
    this.#cost.add([provider, known, 'billed'], cost.billed)
  }

  #modelLabel(model: string): string {
    if (this.#models.has(model)) return model
    if (this.#models.size >= maxModels || model.length > longestModel) return 'other'
    this.#models.add(model)
    return model
  }

  /** The text that Prometheus reads. What the outbox cannot say now is left out. */
  async text(): Promise<string> {
    const counted = [
      this.#requests,
      this.#refused,
      this.#unmetered,
      this.#bytes,
      this.#records,
      this.#tokens,
      this.#cost,
      this.#seconds,
      this.#added,
      this.#firstByte,
      this.#upstream,
    ].map((family) => family.text())
    const own = Object.entries(this.#gauges()).map(([name, { help, value }]) =>
      gauge(`${prefix}${name}`, help, [{ value }], name.endsWith('_total') ? 'counter' : 'gauge'),
    )
    return [...counted, ...own, ...(await this.#queue().catch(() => [])), ...ofProcess()].join('')
  }

  async #queue(): Promise<readonly string[]> {
    const { sinks, errors, recorded } = await this.#meter.stats()
    const now = Date.now()
    const each = (value: (of: (typeof sinks)[string]) => number) =>
      Object.entries(sinks).map(([sink, stats]) => ({ labels: { sink }, value: value(stats) }))
    const ages = Object.entries(sinks).flatMap(([sink, { oldestPendingAt }]) =>
      oldestPendingAt === undefined
        ? []
        : { labels: { sink }, value: Math.max(0, (now - oldestPendingAt) / 1000) },
    )
    const waiting = this.#meter.outbox.waiting?.() ?? 0
    return [
      gauge(`${prefix}outbox_records`, 'Usage records that were ever kept in the outbox.', [
        { value: recorded },
      ]),
      gauge(`${prefix}outbox_waiting`, 'Records of this process that are not in the outbox yet.', [
        { value: waiting },
      ]),
      gauge(
        `${prefix}pending`,
        'Records that wait for a sink.',
        each((of) => of.pending),
      ),
      gauge(`${prefix}pending_age_seconds`, 'Since when the oldest of them waits.', ages),
      gauge(
        `${prefix}dead_letters`,
        'Records that a sink refused for good.',
        each((of) => of.dead),
      ),
      gauge(
        `${prefix}held`,
        'Records that are held back from a sink.',
        each((of) => of.held),
      ),
      gauge(
        `${prefix}unattributed`,
        'Records that nobody was named for.',
        each((of) => of.unattributed),
      ),
      gauge(
        `${prefix}sink_failing`,
        '1 while a sink takes nothing of what is sent to it.',
        each((of) => (of.failing === undefined ? 0 : 1)),
      ),
      gauge(
        `${prefix}metering_errors_total`,
        'Faults of metering that were reported.',
        [{ value: errors }],
        'counter',
      ),
    ]
  }

  close(): void {
    this.#stop()
  }
}

function ofProcess(): readonly string[] {
  const { user, system } = process.cpuUsage()
  return [
    gauge('process_resident_memory_bytes', 'Memory of this process.', [
      { value: process.memoryUsage.rss() },
    ]),
    gauge(
      'process_cpu_seconds_total',
      'Time of processors that this process has used.',
      [{ value: (user + system) / 1e6 }],
      'counter',
    ),
    gauge('process_start_time_seconds', 'When this process began, in seconds since the epoch.', [
      { value: Math.round(performance.timeOrigin / 1000) },
    ]),
  ]
}
