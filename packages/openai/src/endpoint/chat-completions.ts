import { type Endpoint, isLinkedBilling, jsonObject, text } from '@token-meter/core/adapter'
import { hidesUsage } from '../request/usage-request.ts'
import { addMessage } from './chat-message.ts'
import { addTextOrTokens } from './text-or-tokens.ts'
import { chatReading, statedUsage } from './chat-reading.ts'
import { ChatRefusal } from './chat-refusal.ts'
import { isRefusal } from './refusal.ts'
import { ChatStreamReader } from './chat-stream-reader.ts'

function completions(name: string): Endpoint {
  return {
    name,
    isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
    read(response, { provider }) {
      if (isRefusal(response)) return []
      const { id, model, usage, x_groq, choices, service_tier } = jsonObject(response)
      const choice = jsonObject(Array.isArray(choices) ? choices[0] : undefined)
      const raw = statedUsage(usage, jsonObject(x_groq).usage, choice.usage)
      const refusal = new ChatRefusal(provider)
      refusal.see(response)
      const reading = chatReading(raw, provider, text(model), text(service_tier), refusal.billing)
      return [{ ...reading, responseId: text(id) }]
    },
    openStream: (call, output) => new ChatStreamReader(call, output, hidesUsage(call)),
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

/** `POST /chat/completions` */
export const chatCompletions: Endpoint = completions('chat.completions')

/** `POST /completions`, the legacy form, whose usage is the same. */
export const legacyCompletions: Endpoint = completions('completions')
