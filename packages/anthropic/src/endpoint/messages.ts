import {
  type Call,
  type Endpoint,
  isLinkedBilling,
  jsonObject,
  text,
  type UsageReading,
} from '@token-meter/core/wire'
import { messagesUsage } from '../usage/messages.ts'
import { Refusals } from '../usage/refusals.ts'
import { seeCredit, warmTokens } from './seen-credits.ts'
import { MessageStreamReader } from './message-stream-reader.ts'
import { addContent } from './output-content.ts'
import { MessageTools } from './message-tools.ts'
import { isRefusal } from './refusal.ts'

/** `POST /v1/messages` */
export const messages: Endpoint = {
  name: 'messages',
  isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
  read: (message, call) => readMessage(message, call),
  openStream: (call, output) => new MessageStreamReader(call, output),
  estimateInput(body, estimate) {
    estimate.addStrings([body.system, body.messages, body.tools])
  },
  estimateOutput(response, estimate) {
    addContent(jsonObject(response).content, estimate)
  },
}

/**
 * The usage of a whole message; stop reasons such as `pause_turn` are billed as any other.
 *
 * @param refusals what was refused of it, where the message itself does not say it.
 */
export function readMessage(
  message: unknown,
  call: Call,
  refusals: Refusals = Refusals.of(message, call.provider),
): readonly UsageReading[] {
  if (isRefusal(message)) return []
  const { id, model, usage, content, container } = jsonObject(message)
  seeCredit(refusals, usage)
  const tools = new MessageTools()
  for (const block of Array.isArray(content) ? content : []) tools.see(block)
  tools.seeContainer(container)
  const { provider } = call
  const about = { refusals, warmTokens: warmTokens(call), provider }
  const responseId = text(id)
  const readings = tools.addTo(messagesUsage(usage, text(model), about))
  return readings.map((reading) => ({ ...reading, responseId }))
}
