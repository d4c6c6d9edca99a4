import { anthropicProvider } from '@token-meter/anthropic'
import {
  createMeter,
  memoryOutbox,
  type Meter,
  type MeterOptions,
  type Provider,
  type UsageRecord,
} from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { mistralProvider } from '@token-meter/mistral'
import { openaiProvider } from '@token-meter/openai'
import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

const send = globalThis.fetch

export const everyProvider = [
  openaiProvider,
  anthropicProvider,
  googleProvider,
  mistralProvider,
] as readonly Provider[]

/** A meter, and a server on this machine that stands for every host. */
export interface FetchRun extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter
  readonly records: UsageRecord[]
  /** What was reported, in words. */
  readonly said: string[]
  /** Sends what is for any host to the server. */
  readonly anyHost: typeof fetch
}

export async function startFetchRun(
  providers: readonly Provider[] = everyProvider,
  options: Partial<MeterOptions> = {},
): Promise<FetchRun> {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const said: string[] = []
  const meter = createMeter({
    providers,
    outbox: memoryOutbox(),
    onError: ({ message }) => void said.push(message),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  const here = (url: string) => server.url + url.replace(/^[a-z]+:\/\/[^/]+/, '')
  return {
    server,
    meter,
    records,
    said,
    anyHost: (input, init) =>
      send(
        input instanceof Request ? new Request(here(input.url), input) : here(String(input)),
        init,
      ),
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

export function post(body: unknown): RequestInit & { readonly method: 'POST' } {
  const headers = { 'content-type': 'application/json' }
  return { method: 'POST', body: JSON.stringify(body), headers }
}

/** A stream of server-sent events, as its server wrote it. */
export function eventStream(events: readonly object[], end = 'data: [DONE]\n\n'): Buffer {
  return Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') + end)
}

export const sse = { headers: { 'content-type': 'text/event-stream' } }

export const messages = [{ role: 'user', content: 'hi' }]

/** Of 11 input tokens 4 are from the cache; 7 output tokens. */
export const chatAnswer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'some-model-1',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello.' } }],
  usage: {
    prompt_tokens: 11,
    completion_tokens: 7,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 4 },
  },
}
export const chatTokens = { input: 7, cachedInput: 4, cachedWrite: 0, output: 7 }

const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'some-model-1' }

/** What a server of that API streams: its usage last, to who asks for it. */
export const chatEvents: readonly object[] = [
  { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
  { ...chunk, choices: [{ index: 0, delta: { content: 'Hello' } }] },
  { ...chunk, choices: [{ index: 0, delta: { content: '.' }, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage: chatAnswer.usage },
]

export const messageAnswer = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-1',
  content: [{ type: 'text', text: 'Hello.' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, output_tokens: 5 },
}

export const contentAnswer = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hello.' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 },
  modelVersion: 'gemini-1',
  responseId: 'r1',
}
export const smallTokens = { input: 3, cachedInput: 0, cachedWrite: 0, output: 5 }
