/**
 * The token metrics of the gen_ai semantic conventions.
 *
 * No token is in two data points of one metric. The convention's input has the tokens that were read
 * from a cache and written to one, and its output has the reasoning; how many those were is told by
 * metrics of their own, which are parts and never to be added to the whole.
 */
import { type Attributes, type Meter, ValueType } from '@opentelemetry/api'
import {
  type TokenCountName,
  type UsageDetails,
  type UsageRecord,
  allInput,
  allOutput,
  tokenTypes,
} from '@token-meter/core/sink'
import type { Convention, OpenTelemetrySinkSettings } from './options.ts'

/** https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md */
const explicitBucketBoundaries = Array.from({ length: 14 }, (_, index) => 4 ** index)
const tokens = { unit: '{token}', valueType: ValueType.INT }
const ofAnOperation = { ...tokens, advice: { explicitBucketBoundaries } }

/** Counts the tokens of a record; a count of 0, such as the output of an embedding, is left out. */
export type CountTokens = (record: UsageRecord, attributes: Attributes) => void

export function tokenMetrics(meter: Meter, convention: Convention): CountTokens {
  const countParts = partCounters(meter)
  const countWhole = convention === 'latest' ? inferenceMetrics(meter) : tokenUsageHistogram(meter)
  return (record, attributes) => {
    countWhole(record, attributes)
    countParts(record, attributes)
  }
}

/** As it was up to version 1.41. */
function tokenUsageHistogram(meter: Meter): CountTokens {
  const histogram = meter.createHistogram('gen_ai.client.token.usage', {
    ...ofAnOperation,
    description: 'Number of input and output tokens used.',
  })
  return (record, attributes) => {
    for (const [type, count] of Object.entries(wholeCounts(record))) {
      if (count > 0) histogram.record(count, { ...attributes, 'gen_ai.token.type': type })
    }
  }
}

/** What came in its place. */
function inferenceMetrics(meter: Meter): CountTokens {
  const histograms = {
    input: meter.createHistogram('gen_ai.client.inference.operation.input_tokens', {
      ...ofAnOperation,
      description: 'Input tokens of an inference operation, cached ones included.',
    }),
    output: meter.createHistogram('gen_ai.client.inference.operation.output_tokens', {
      ...ofAnOperation,
      description: 'Output tokens of an inference operation, reasoning included.',
    }),
  }
  const addInput = modalityCounter(meter, 'input_tokens', 'Input tokens, cached ones included.')
  const addOutput = modalityCounter(meter, 'output_tokens', 'Output tokens, reasoning included.')
  return (record, attributes) => {
    const { input, output } = wholeCounts(record)
    addInput(inputModalities(input, record.details), attributes)
    addOutput(outputModalities(output, record.details), attributes)
    if (input > 0) histograms.input.record(input, attributes)
    if (output > 0) histograms.output.record(output, attributes)
  }
}

/** Only the newest version has names for these; they stand beside the older histogram too. */
function partCounters(meter: Meter): CountTokens {
  const read = 'Tokens read from a cache, a part of the input tokens.'
  const addRead = modalityCounter(meter, 'cache_read.input_tokens', read)
  const written = 'Tokens written to a cache, a part of the input tokens.'
  const addWritten = modalityCounter(meter, 'cache_write.input_tokens', written)
  const reasoned = 'Reasoning tokens, a part of the output tokens.'
  const addReasoned = modalityCounter(meter, 'reasoning.output_tokens', reasoned)
  const none = { audio: undefined, image: undefined, video: undefined }
  /** What a count that is only a part of the whole is told by. */
  const parts: Readonly<Record<TokenCountName, CountTokens | undefined>> = {
    input: undefined,
    cachedInput: ({ tokens, details }, attributes) =>
      addRead(cacheReadModalities(tokens.cachedInput, details), attributes),
    cachedWrite: ({ tokens }, attributes) =>
      addWritten(byModality(tokens.cachedWrite, none), attributes),
    output: undefined,
  }
  return (record, attributes) => {
    for (const { count } of tokenTypes) parts[count]?.(record, attributes)
    const { details } = record
    addReasoned(byModality(details.reasoning ?? 0, none), attributes)
  }
}

function modalityCounter(
  meter: Meter,
  name: string,
  description: string,
): (modalities: Modalities, attributes: Attributes) => void {
  const options = { ...tokens, description }
  const counter = meter.createCounter(`gen_ai.client.inference.usage.${name}`, options)
  return (modalities, attributes) => {
    for (const [modality, count] of Object.entries(modalities)) {
      counter.add(count, { ...attributes, 'gen_ai.token.modality': modality })
    }
  }
}

function wholeCounts({ tokens }: UsageRecord): { readonly input: number; readonly output: number } {
  return { input: allInput(tokens), output: allOutput(tokens) }
}

/** Tokens of a count by `gen_ai.token.modality`. They sum to the count. */
type Modalities = Readonly<Record<string, number>>

/** The parts of a count that the provider named; it seldom names them all, so the rest is unknown. */
function byModality(
  count: number,
  parts: Readonly<Record<'audio' | 'image' | 'video', number | undefined>>,
): Modalities {
  const named = Object.entries(parts).flatMap(([modality, part = 0]) =>
    part > 0 ? [[modality, part] as const] : [],
  )
  const rest = count - named.reduce((sum, [, part]) => sum + part, 0)
  // Parts that are more than the whole are wrong, so none of them is believed.
  if (rest < 0) return { unknown: count }
  const all = rest > 0 ? [...named, ['unknown', rest] as const] : named
  return Object.fromEntries(all)
}

function inputModalities(count: number, details: UsageDetails): Modalities {
  const { audioInput: audio, imageInput: image, videoInput: video } = details
  return byModality(count, { audio, image, video })
}

function outputModalities(count: number, details: UsageDetails): Modalities {
  const { audioOutput: audio, imageOutput: image, videoOutput: video } = details
  return byModality(count, { audio, image, video })
}

function cacheReadModalities(count: number, details: UsageDetails): Modalities {
  const { cachedAudioInput: audio, cachedImageInput: image, cachedVideoInput: video } = details
  return byModality(count, { audio, image, video })
}

/** Counts the cost of a record that has one. Its kind is an attribute, so that kinds never mix. */
export function costMetric(
  meter: Meter,
  kind: OpenTelemetrySinkSettings['cost'],
): (record: UsageRecord, attributes: Attributes) => void {
  if (kind === false) return () => {}
  const counter = meter.createCounter('token_meter.cost', {
    unit: '{USD}',
    description: 'Cost of LLM calls, in US dollars.',
  })
  return ({ cost }, attributes) => {
    const usd = Number(cost?.[kind])
    if (usd > 0) counter.add(usd, { ...attributes, 'token_meter.cost.kind': kind })
  }
}
