import {
  type ReplayedRequest,
  type ReplayEvent,
  type ReplayServer,
  startReplayServer,
} from '@token-meter/testkit'
import { localAnswers } from './local-answers.ts'
import type { Message } from './messages.ts'

/** A model on this machine that streams word by word, in OpenAI's protocol. */
export async function startLocalProvider(): Promise<ReplayServer> {
  const provider = await startReplayServer({ delayMs: 250, gapMs: 35 })
  provider.serve(answer, { path: '/chat/completions', times: Infinity })
  return provider
}

function answer({ body }: ReplayedRequest): readonly ReplayEvent[] {
  const { model, messages } = body as {
    readonly model: string
    readonly messages: readonly Message[]
  }
  const turn = messages.filter(({ role }) => role === 'user').length - 1
  const words = localAnswers[turn % localAnswers.length]?.match(/ ?[\p{L}\d]+|[^\p{L}\d]/gu) ?? []
  // About four characters are a token, and each message has a few of its own.
  const input = messages.reduce((sum, { content }) => sum + 4 + Math.ceil(content.length / 4), 3)
  const chunk = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model,
  }
  return [
    { ...chunk, choices: choices({ role: 'assistant', content: '' }) },
    ...words.map((content) => ({ ...chunk, choices: choices({ content }) })),
    { ...chunk, choices: choices({}, 'stop') },
    // Only to who asks for it, as the meter does.
    { ...chunk, choices: [], usage: usageOf(input, words.length) },
  ]
}

function choices(delta: ReplayEvent, finish_reason: string | null = null): readonly ReplayEvent[] {
  return [{ index: 0, delta, logprobs: null, finish_reason }]
}

function usageOf(input: number, output: number): ReplayEvent {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}
