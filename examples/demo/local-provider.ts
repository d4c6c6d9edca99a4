import { type ReplayEvent, type ReplayServer, startReplayServer } from '@token-meter/testkit'
import {
  type Answer,
  coldTea,
  fullCups,
  historyOfTea,
  stockAnswer,
  stockLookup,
  teaShopSign,
  type Usage,
} from './local-answers.ts'

const small = 'gpt-5.4-mini-2026-03-17'
const large = 'gpt-5.4-2026-03-05'

/** A provider on this machine that answers the calls of the demo, in their order, as OpenAI does. */
export async function startLocalProvider(): Promise<ReplayServer> {
  const provider = await startReplayServer({ delayMs: 200, gapMs: 35 })
  const chat = { path: '/chat/completions' }
  provider.serve(chatCompletion(small, teaShopSign), chat)
  provider.serve(toolCall(large), chat)
  provider.serve(chatCompletion(large, stockAnswer), chat)
  provider.serve(chatChunks(small, coldTea), chat)
  provider.serve(chatChunks(large, historyOfTea), chat)
  provider.serve(response(small, fullCups), { path: '/responses' })
  return provider
}

const created = Math.floor(Date.now() / 1000)

function chatCompletion(model: string, { text, usage }: Answer): ReplayEvent {
  const message = { role: 'assistant', content: text, refusal: null }
  return completion(model, { message, finish_reason: 'stop' }, usage)
}

function toolCall(model: string): ReplayEvent {
  const { name, arguments: parameters, usage } = stockLookup
  const call = { id: 'call_1', type: 'function', function: { name, arguments: parameters } }
  const message = { role: 'assistant', content: null, refusal: null, tool_calls: [call] }
  return completion(model, { message, finish_reason: 'tool_calls' }, usage)
}

function completion(model: string, choice: ReplayEvent, usage: Usage): ReplayEvent {
  return {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, logprobs: null, ...choice }],
    usage: chatUsage(usage),
  }
}

/** The last chunk, with the usage, goes only to who asks for it. */
function chatChunks(model: string, { text, usage }: Answer): ReplayEvent[] {
  const chunk = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion.chunk',
    created,
    model,
  }
  return [
    { ...chunk, choices: choices({ role: 'assistant', content: '' }) },
    ...tokensOf(text).map((content) => ({ ...chunk, choices: choices({ content }) })),
    { ...chunk, choices: choices({}, 'stop') },
    { ...chunk, choices: [], usage: chatUsage(usage) },
  ]
}

function choices(delta: ReplayEvent, finish_reason: string | null = null): readonly ReplayEvent[] {
  return [{ index: 0, delta, logprobs: null, finish_reason }]
}

/** About where a tokenizer cuts: before each word and each punctuation mark. */
function tokensOf(text: string): string[] {
  return text.match(/ ?[\p{L}\d]+|[^\p{L}\d]/gu) ?? []
}

function chatUsage({ input, cached = 0, output, reasoning = 0 }: Usage): ReplayEvent {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  }
}

function response(model: string, { text, usage }: Answer): ReplayEvent {
  const { input, cached = 0, output, reasoning = 0 } = usage
  return {
    id: `resp_${crypto.randomUUID()}`,
    object: 'response',
    created_at: created,
    status: 'completed',
    model,
    output: [
      {
        id: `msg_${crypto.randomUUID()}`,
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }],
      },
    ],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + output,
    },
  }
}
