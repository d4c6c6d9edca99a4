import { type Endpoint, jsonObject, text, type UsageReading } from '@token-meter/core/adapter'
import { messagesUsage } from '../usage/messages.ts'
import { MessageStreamReader } from './message-stream-reader.ts'
import { isRefusal } from './refusal.ts'

/** `POST /v1/messages` */
export const messages: Endpoint = {
  name: 'messages',
  read: readMessage,
  openStream: (_, output) => new MessageStreamReader(output),
  estimateInput(body, estimate) {
    estimate.addStrings([body.system, body.messages, body.tools])
  },
  estimateOutput(response, estimate) {
    estimate.addStrings(jsonObject(response).content)
  },
}

/** The usage of a whole message; stop reasons such as `refusal` and `pause_turn` are billed too. */
export function readMessage(message: unknown): readonly UsageReading[] {
  if (isRefusal(message)) return []
  const { model, usage } = jsonObject(message)
  return messagesUsage(usage, text(model))
}
