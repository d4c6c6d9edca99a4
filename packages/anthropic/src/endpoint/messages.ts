import {
  type Call,
  type Endpoint,
  isLinkedBilling,
  jsonObject,
  text,
  type UsageReading,
} from '@token-meter/core/adapter'
import { messagesUsage } from '../usage/messages.ts'
import { Refusals } from '../usage/refusals.ts'
import { seeCredit, warmTokens } from './seen-credits.ts'
import { MessageStreamReader } from './message-stream-reader.ts'
import { addContent } from './output-content.ts'
import { isRefusal } from './refusal.ts'

/** `POST /v1/messages` */
export const messages: Endpoint = {
  name: 'messages',
  isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
  read: readMessage,
  openStream: (call, output) => new MessageStreamReader(call, output),
  estimateInput(body, estimate) {
    estimate.addStrings([body.system, body.messages, body.tools])
  },
  estimateOutput(response, estimate) {
    addContent(jsonObject(response).content, estimate)
  },
}

/** The usage of a whole message; stop reasons such as `pause_turn` are billed as any other. */
export function readMessage(message: unknown, call: Call): readonly UsageReading[] {
  if (isRefusal(message)) return []
  const { id, model, usage } = jsonObject(message)
  const refusals = Refusals.of(message, call.provider)
  seeCredit(refusals, usage)
  const about = { refusals, warmTokens: warmTokens(call) }
  const responseId = text(id)
  return messagesUsage(usage, text(model), about).map((reading) => ({ ...reading, responseId }))
}
