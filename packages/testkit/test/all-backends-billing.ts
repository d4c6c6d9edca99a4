import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import type { Sink } from '@token-meter/core'
import { lagoSink } from '@token-meter/lago'
import { metronomeSink } from '@token-meter/metronome'
import { openMeterSink } from '@token-meter/openmeter'
import { openTelemetrySink } from '@token-meter/opentelemetry'
import { stripeSink } from '@token-meter/stripe'
import {
  type Fault,
  type FaultOptions,
  startFakeLago,
  startFakeMetronome,
  startFakeOpenMeter,
  startFakeStripe,
} from '../src/index.ts'
import { femto } from './all-backends-expected.ts'

/** The sinks that send by HTTP, and so can fail. */
export const remoteSinks = ['stripe', 'stripe-cost', 'metronome', 'lago', 'openmeter'] as const
export type RemoteSink = (typeof remoteSinks)[number]

/** Every backend on loopback, and OpenTelemetry's SDK. */
export type Backends = Awaited<ReturnType<typeof startBackends>>

export async function startBackends() {
  const stripe = await startFakeStripe()
  const metronome = await startFakeMetronome()
  const lago = await startFakeLago()
  const openmeter = await startFakeOpenMeter()
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter })
  const meterProvider = new MeterProvider({ readers: [reader] })

  /** As each process makes them; on a busy machine a slow answer is one more fault. */
  function sinks(timeoutMs = 500): readonly Sink[] {
    const atStripe = { apiKey: stripe.apiKey, baseUrl: stripe.url, timeoutMs }
    const { bearerToken, url: baseUrl } = metronome
    return [
      stripeSink(atStripe),
      stripeSink({ ...atStripe, name: 'stripe-cost', value: 'cost', costUnit: 'nano-usd' }),
      metronomeSink({ bearerToken, baseUrl, timeoutMs }),
      lagoSink({ apiKey: lago.apiKey, apiUrl: lago.url, timeoutMs }),
      openMeterSink({ apiKey: openmeter.apiKey, url: openmeter.url, timeoutMs }),
      openTelemetrySink({ meterProvider, customer: true }),
    ]
  }

  const places: Readonly<Record<RemoteSink, Place>> = {
    stripe: { fake: stripe, matching: '"token-billing-tokens"' },
    'stripe-cost': { fake: stripe, matching: '"llm-cost"' },
    metronome: { fake: metronome },
    lago: { fake: lago, to: '/events/batch' },
    openmeter: { fake: openmeter },
  }

  async function points(name: string): Promise<readonly Point[]> {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics()[0]?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
    const { dataPoints = [] } = metrics.find(({ descriptor }) => descriptor.name === name) ?? {}
    return dataPoints.map(({ value, attributes }) => ({
      value: typeof value === 'number' ? value : ((value as Histogram).sum ?? 0),
      key: `${attributes['token_meter.customer']} ${attributes['gen_ai.response.model']}`,
      type: String(attributes['gen_ai.token.type'] ?? ''),
    }))
  }

  return {
    sinks,
    fakes: { stripe, metronome, lago, openmeter },
    /** Lets requests of a sink go wrong. */
    fail(sink: RemoteSink, fault: Fault, options: FaultOptions): void {
      const { fake, matching = '', to = '' } = places[sink]
      fake.failWith(fault, { matching, to, ...options })
    },
    recover: () => {
      for (const fake of [stripe, metronome, lago, openmeter]) fake.recover()
    },
    /** How often each fake was sent what it had, where it says so. */
    duplicates: () => ({ metronome: metronome.duplicates, openmeter: openmeter.duplicates() }),
    /** Tokens by customer, model and type, as each backend bills them. */
    tokens: () => ({
      stripe: sums(stripe.billed().filter(({ eventName }) => eventName === 'token-billing-tokens')),
      metronome: sums(metronome.billed()),
      lago: sums(lago.billed()),
      openmeter: sums(openmeter.billed()),
    }),
    /** Amounts by customer and model: of Stripe in nano-dollars, of others in femto-dollars. */
    amounts: () => ({
      stripe: amounts(
        stripe.billed().filter(({ eventName }) => eventName === 'llm-cost'),
        ({ value }) => BigInt(value),
      ),
      metronome: amounts(metronome.billedCosts(), ({ cost }) => femto(cost)),
      lago: amounts(lago.costs(), ({ cost }) => femto(cost)),
      openmeter: amounts(openmeter.costs(), ({ cost }) => femto(cost)),
    }),
    /** What OpenTelemetry counted, by customer and the provider's name of the model. */
    counted: async () => ({
      tokens: addUp(await points('gen_ai.client.token.usage')),
      cacheReads: addUp(await points('gen_ai.client.inference.usage.cache_read.input_tokens')),
      cacheWrites: addUp(await points('gen_ai.client.inference.usage.cache_write.input_tokens')),
      usd: addUp(await points('token_meter.cost')),
    }),
    async [Symbol.asyncDispose]() {
      await meterProvider.shutdown()
      for (const fake of [stripe, metronome, lago, openmeter]) await fake.close()
    },
  }
}

interface Place extends Pick<FaultOptions, 'matching' | 'to'> {
  readonly fake: { failWith(fault: Fault, options?: FaultOptions): void }
}

interface Point {
  readonly value: number
  readonly key: string
  readonly type: string
}

interface Row {
  readonly customer: string
  readonly model: string
}

function sums(
  rows: readonly (Row & { readonly tokenType: string; readonly value: number })[],
): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const { customer, model, tokenType, value } of rows) {
    const key = `${customer} ${model} ${tokenType}`
    sum[key] = (sum[key] ?? 0) + value
  }
  return sum
}

function amounts<R extends Row>(
  rows: readonly R[],
  amount: (row: R) => bigint,
): Record<string, bigint> {
  const sum: Record<string, bigint> = {}
  for (const row of rows) {
    const key = `${row.customer} ${row.model}`
    sum[key] = (sum[key] ?? 0n) + amount(row)
  }
  return sum
}

function addUp(points: readonly Point[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const { key, type, value } of points) {
    const name = `${key} ${type}`.trim()
    sum[name] = (sum[name] ?? 0) + value
  }
  return sum
}
