import type { Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  type MetricData,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

/** One exported data point; that of a histogram has its sum as value. */
export interface Point {
  readonly value: number
  readonly attributes: Attributes
  readonly histogram?: Histogram
}

/** The real SDK, which exports to memory when it is asked. */
export class CollectedMetrics implements AsyncDisposable {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  readonly #reader = new PeriodicExportingMetricReader({ exporter: this.#exporter })
  readonly provider = new MeterProvider({ readers: [this.#reader] })
  #metrics: readonly MetricData[] = []

  /** Everything, as an exporter gets it. */
  async collect(): Promise<readonly MetricData[]> {
    this.#exporter.reset()
    await this.#reader.forceFlush()
    const [exported] = this.#exporter.getMetrics()
    this.#metrics = exported?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
    return this.#metrics
  }

  async names(): Promise<readonly string[]> {
    return (await this.collect()).map(({ descriptor }) => descriptor.name).toSorted()
  }

  /** The data points of a metric. */
  async points(name: string): Promise<readonly Point[]> {
    const metric = (await this.collect()).find(({ descriptor }) => descriptor.name === name)
    return (metric?.dataPoints ?? []).map(({ value, attributes }) =>
      typeof value === 'number'
        ? { value, attributes }
        : { value: (value as Histogram).sum ?? 0, attributes, histogram: value as Histogram },
    )
  }

  /** The sum of the data points that have these attributes; nothing where there is none. */
  async sum(name: string, attributes: Attributes = {}): Promise<number | undefined> {
    const chosen = (await this.points(name)).filter((point) =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    )
    return chosen.length === 0 ? undefined : chosen.reduce((sum, { value }) => sum + value, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.shutdown()
  }
}
