import type { Reply, ReplayedRequest } from '../replay/replay-reply.ts'
import { plannedCall } from './planned-call.ts'

/** Answers a chat completion, streamed or not, with the usage of the call that its `user` names. */
export const plannedReply: Reply = ({ body }: ReplayedRequest): Reply => {
  const { user, model, stream } = body as { user: string; model: string; stream?: boolean }
  const { input, cachedInput, output } = plannedCall(user).tokens
  const usage = {
    prompt_tokens: input + cachedInput,
    completion_tokens: output,
    total_tokens: input + cachedInput + output,
    prompt_tokens_details: { cached_tokens: cachedInput },
    call: user,
  }
  // Compatible servers repeat ids, and no two of these calls are one for that.
  const common = { id: 'chatcmpl-123', created: 1, model }
  if (stream !== true) {
    const message = { role: 'assistant', content: 'So it is.', refusal: null }
    const choices = [{ index: 0, finish_reason: 'stop', logprobs: null, message }]
    return { ...common, object: 'chat.completion', choices, usage }
  }
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...common,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  })
  const words = ['So', ' it', ' is.'].map((content) => chunk({ content }))
  return [...words, chunk({}, 'stop'), { ...chunk({}), choices: [], usage }]
}
