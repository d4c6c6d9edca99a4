import { cost } from '@token-meter/core/cost'
import { genaiPrices } from '@token-meter/core/genai-prices'
import { startReplayServer } from '@token-meter/testkit'
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Perplexity from '@perplexity-ai/perplexity_ai'
import Groq from 'groq-sdk'
import Groq0 from 'groq0'
import Together from 'together-ai'
import {
  type ClientOptions,
  createMeter,
  memoryOutbox,
  openaiProvider,
  type UsageRecord,
} from '../src/index.ts'

/** An SDK by the same generator as OpenAI's. */
export interface Relative {
  readonly name: string
  /** Whom its host, or else the SDK itself, names. */
  readonly provider: string
  /** What its paths begin with, below its base URL. */
  readonly version: string
  /** What its requests stand below: the path of the SDK's own default. */
  readonly base: string
  newClient(options: object): object
}

/** Every SDK that is metered as OpenAI's is. */
export const relatives: readonly Relative[] = [
  {
    name: 'groq-sdk 1',
    provider: 'groq',
    base: '',
    version: '/openai/v1',
    newClient: (options) => new Groq(options),
  },
  {
    name: 'groq-sdk 0, on node-fetch',
    provider: 'groq',
    base: '',
    version: '/openai/v1',
    newClient: (options) => new Groq0(options),
  },
  {
    name: 'together-ai',
    provider: 'together',
    base: '/v1',
    version: '/v1',
    newClient: (options) => new Together(options),
  },
  {
    name: '@cerebras/cerebras_cloud_sdk, on node-fetch',
    provider: 'cerebras',
    base: '',
    version: '/v1',
    newClient: (options) => new Cerebras({ warmTCPConnection: false, ...options }),
  },
  {
    name: '@perplexity-ai/perplexity_ai',
    provider: 'perplexity',
    base: '',
    version: '',
    newClient: (options) => new Perplexity(options),
  },
]

interface Starts<Client> {
  readonly newClient: (options: object) => Client
  readonly base?: string
  readonly options?: ClientOptions
}

/** A client of an SDK on loopback, which no host names. */
export async function startRelative<Client extends object>({
  newClient,
  base = '',
  options = {},
}: Starts<Client>) {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    cost: cost({ prices: genaiPrices() }),
    onError: (error) => void (error.code === 'cost' || errors.push(error)),
  })
  meter.on('usage', (record) => void records.push(record))
  const settings = { apiKey: 'k', baseURL: server.url + base, maxRetries: 0 }
  return {
    server,
    records,
    errors,
    meter,
    raw: newClient(settings),
    metered: meter(newClient(settings) as never, 'cus_1', options) as Client,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** Disjoint counts. */
export const tokens = (
  input: number,
  cachedInput: number,
  cachedWrite: number,
  output: number,
) => ({
  input,
  cachedInput,
  cachedWrite,
  output,
})
/** Events as they are, usage and all: of a script, the server would leave out what nobody asks for. */
export const sse = (events: readonly object[]) =>
  Buffer.from(
    events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') + 'data: [DONE]\n\n',
  )
export const asStream = { headers: { 'content-type': 'text/event-stream' } }
export const drain = async (stream: AsyncIterable<unknown>) => {
  for await (const _ of stream);
}
