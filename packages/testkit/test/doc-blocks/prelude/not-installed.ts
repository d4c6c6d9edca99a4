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

declare module '@anthropic-ai/claude-agent-sdk' {
  interface ModelUsage {
    inputTokens: number
    outputTokens: number
    cacheReadInputTokens: number
    cacheCreationInputTokens: number
    webSearchRequests: number
  }
  interface SDKResultMessage {
    type: 'result'
    uuid: string
    session_id: string
    is_error: boolean
    modelUsage: Record<string, ModelUsage>
  }
  export function query(params: {
    prompt: string
    options?: { resume?: string }
  }): AsyncIterable<SDKResultMessage | { type: 'assistant' }>
}

declare module '@openai/codex-sdk' {
  interface Usage {
    input_tokens: number
    cached_input_tokens: number
    cache_write_input_tokens: number
    output_tokens: number
    reasoning_output_tokens: number
  }
  interface Thread {
    readonly id: string | null
    run(input: string): Promise<{ usage: Usage | null }>
  }
  export class Codex {
    startThread(options?: { model?: string }): Thread
  }
}

declare module 'genkit' {
  export function genkit(options: { plugins: readonly object[] }): {
    generate(options: { model: object; prompt: string }): Promise<{ text: string }>
  }
}

declare module '@genkit-ai/google-genai' {
  export const googleAI: (() => object) & { model(name: string): object }
}
