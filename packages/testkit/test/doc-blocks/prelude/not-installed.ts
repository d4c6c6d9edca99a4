// Packages that pages import and nothing here installs: of each the part that is used.

declare module 'next/server' {
  export function after<T>(task: Promise<T> | (() => T | Promise<T>)): void
}

declare module '@vercel/functions' {
  export function waitUntil(promise: Promise<unknown>): void | undefined
}

declare module '@opentelemetry/exporter-metrics-otlp-proto' {
  import type { PushMetricExporter } from '@opentelemetry/sdk-metrics'

  export const OTLPMetricExporter: new () => PushMetricExporter
}

declare module '@opentelemetry/exporter-prometheus' {
  import type { MetricReader } from '@opentelemetry/sdk-metrics'

  export const PrometheusExporter: new () => MetricReader
}

declare module '@langchain/openai' {
  import type OpenAI from 'openai'

  interface Fields {
    model?: string
  }
  export class ChatOpenAICompletions {
    constructor(fields?: Fields)
    client: OpenAI
  }
  export class ChatOpenAIResponses {
    constructor(fields?: Fields)
    client: OpenAI
  }
  export const ChatOpenAI: new (
    fields?: Fields & { completions?: ChatOpenAICompletions; responses?: ChatOpenAIResponses },
  ) => object
}
