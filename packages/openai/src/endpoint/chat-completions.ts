import {
  type Endpoint,
  isLinkedBilling,
  jsonObject,
  text,
  type UsageReading,
} from '@token-meter/core/wire'
import { addMessage } from './chat-message.ts'
import { addTextOrTokens } from './text-or-tokens.ts'
import { type ChatContext, chatReadings, statedUsage } from './chat-reading.ts'
import { ChatRefusal } from './chat-refusal.ts'
import { isRefusal } from './refusal.ts'
import { ChatStreamReader } from './chat-stream-reader.ts'
import { ChatTools } from './chat-tools.ts'

function completions(name: string): Endpoint {
  return {
    name,
    isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
    read: (response, { provider, body }, headers) =>
      readChat(response, { provider, requestedModel: body.model, headers }),
    openStream: (call, output, answer) => new ChatStreamReader(call, output, answer),
    estimateInput(body, estimate) {
      estimate.addStrings([body.messages, body.tools, body.functions])
      addTextOrTokens(body.prompt, estimate)
    },
    estimateOutput(response, estimate) {
      const { choices } = jsonObject(response)
      for (const choice of Array.isArray(choices) ? choices : []) {
        const { message, text: completion } = jsonObject(choice)
        estimate.add(completion)
        addMessage(message, estimate)
      }
    },
  }
}

/** What a whole (chat) completion used. */
export function readChat(response: unknown, context: ChatContext): readonly UsageReading[] {
  if (isRefusal(response)) return []
  const fields = jsonObject(response)
  const { id, model, usage, x_groq, choices, service_tier } = fields
  const all: readonly unknown[] = Array.isArray(choices) ? choices : []
  const refusal = new ChatRefusal(context.provider)
  refusal.see(response)
  const tools = new ChatTools()
  for (const choice of all) tools.see(jsonObject(choice).message)
  return chatReadings(
    {
      id: text(id),
      usage: statedUsage(usage, jsonObject(x_groq).usage, jsonObject(all[0]).usage),
      model: text(model),
      serviceTier: text(service_tier),
      perfMetrics: fields.perf_metrics,
      breakdown: fields.usage_breakdown,
      tools: tools.details(),
      refusal: refusal.billing,
    },
    context,
  )
}

/** `POST /chat/completions` */
export const chatCompletions: Endpoint = completions('chat.completions')

/** `POST /completions`, the legacy form, whose usage is the same. */
export const legacyCompletions: Endpoint = completions('completions')
