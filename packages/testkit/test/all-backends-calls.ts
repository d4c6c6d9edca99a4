import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import type { ManualUsage } from '@token-meter/core'
import { anthropicProvider } from '@token-meter/anthropic'
import { googleProvider } from '@token-meter/google'
import { type Meter, openaiProvider } from '@token-meter/openai'
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import type { ReplayEvent, ReplayServer, Reply } from '../src/index.ts'
import { type ExpectedRecord, type Recording, recordings } from '../src/internal.ts'

export const providers = [openaiProvider, anthropicProvider, googleProvider]
export type AllMeter = Meter<OpenAI | Anthropic | GoogleGenAI>

/** A recorded response, who serves it and who pays for it. */
export interface PaidRecording {
  readonly recording: Recording
  readonly provider: string
  readonly customer: string
  /** What it must be billed as; nothing for a response that used nothing. */
  readonly expected: readonly ExpectedRecord[]
}

export const customers = ['cus_1', 'cus_2', 'cus_3'] as const

/** The hosts that speak OpenAI's API, by the recording's name. */
const hosts: readonly (readonly [name: RegExp, baseUrl: string, provider: string])[] = [
  [/xai/, 'https://api.x.ai/v1', 'xai'],
  [/groq/, 'https://api.groq.com/openai/v1', 'groq'],
  [/deepseek/, 'https://api.deepseek.com/v1', 'deepseek'],
  [/mistral/, 'https://api.mistral.ai/v1', 'mistral'],
  [/moonshotai/, 'https://api.moonshot.ai/v1', 'moonshotai'],
  [/perplexity/, 'https://api.perplexity.ai', 'perplexity'],
  [/alibaba/, 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'alibaba'],
  [/azure/, 'https://r.openai.azure.com/openai/v1', 'azure'],
  [/lmstudio/, 'http://localhost:1234/v1', 'lmstudio'],
  [/./, 'https://api.openai.com/v1', 'openai'],
]

/** Every recorded response, of three customers in turn. */
export const paidRecordings: readonly PaidRecording[] = recordings().map((recording, place) => ({
  recording,
  provider: recording.provider === 'openai' ? hostOf(recording).provider : recording.provider,
  customer: customers[place % customers.length] ?? '',
  expected: recording.expected.filter(
    ({ input, cached_input, cached_write, output }) =>
      input + cached_input + cached_write + output > 0,
  ),
}))

/** No recording writes to a cache, so each customer has one such record by hand. */
export const manualUsage: readonly ManualUsage[] = customers.map((customer, place) => ({
  customer,
  provider: 'anthropic',
  model: 'claude-sonnet-4-6',
  tokens: { input: 120, cachedInput: 1669 + place, cachedWrite: 2048 - place, output: 310 },
}))

let runs = 0

/** Makes the calls one after the other, each by the vendor's own SDK over HTTP. */
export async function makeCalls(
  meter: AllMeter,
  server: ReplayServer,
  calls: readonly PaidRecording[],
): Promise<void> {
  const run = `run${runs++}`
  for (const call of calls) {
    server.serve(replied(call.recording, run))
    await plays[call.recording.provider]?.(meter, server, call)
  }
}

type Play = (meter: AllMeter, server: ReplayServer, call: PaidRecording) => Promise<void>

const plays: Readonly<Record<string, Play>> = {
  openai: async (meter, server, { recording, customer }) => {
    const raw = new OpenAI({
      apiKey: 'sk-test',
      baseURL: hostOf(recording).baseUrl,
      maxRetries: 0,
      fetch: (url, init) => fetch(server.url + new URL(String(url)).pathname, init),
    })
    const client = meter(raw, customer)
    const { endpoint, stream } = recording
    const model = 'asked'
    const messages = [{ role: 'user' as const, content: 'hi' }]
    const requests: Record<string, () => Promise<unknown>> = {
      chat: () => client.chat.completions.create({ model, messages, stream }),
      completions: () => client.completions.create({ model, prompt: 'hi', stream }),
      responses: () => client.responses.create({ model, input: 'hi', stream }),
      embeddings: () => client.embeddings.create({ model, input: 'hi', encoding_format: 'float' }),
    }
    await readIfStream(await requests[endpoint]?.())
  },

  anthropic: async (meter, server, { recording: { stream }, customer }) => {
    const raw = new Anthropic({ apiKey: 'sk-test', baseURL: server.url, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'hi' }]
    const request = { model: 'asked', max_tokens: 99, messages, stream }
    await readIfStream(await meter(raw, customer).messages.create(request))
  },

  google: async (meter, server, { recording: { endpoint, stream }, customer }) => {
    const raw = new GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: server.url } })
    const client = meter(raw, customer)
    const model = 'asked'
    if (endpoint === 'interactions') {
      const request = { model, input: 'hi', stream } as never
      return await readIfStream(await client.interactions.create(request))
    }
    const request = { model, contents: 'hi' }
    if (stream) return await readIfStream(await client.models.generateContentStream(request))
    await client.models.generateContent(request)
  },
}

function hostOf({ name }: Recording) {
  const [, baseUrl = '', provider = ''] = hosts.find(([pattern]) => pattern.test(name)) ?? []
  return { baseUrl, provider }
}

/** A response of its own in each run: an interaction is billed once in a process, by its id. */
function replied({ provider, file, stream }: Recording, run: string): Reply {
  if (provider !== 'google') return file
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${run}_`)
  if (!stream) return JSON.parse(text) as ReplayEvent
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as ReplayEvent)
}

async function readIfStream(answer: unknown): Promise<void> {
  if (typeof answer !== 'object' || answer === null || !(Symbol.asyncIterator in answer)) return
  for await (const _ of answer as AsyncIterable<unknown>);
}
