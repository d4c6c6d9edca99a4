import { jsonObject, type TokenEstimate } from '@token-meter/core/adapter'

/** Adds the text of a message or of a streamed part of one: what is billed as output. */
export function addMessage(message: unknown, estimate: TokenEstimate): void {
  const fields = jsonObject(message)
  estimate.add(fields.content)
  estimate.add(fields.refusal)
  estimate.add(fields.reasoning_content)
  estimate.add(fields.reasoning)
  estimate.add(jsonObject(fields.function_call).arguments)
  if (!Array.isArray(fields.tool_calls)) return
  for (const toolCall of fields.tool_calls) {
    const called = jsonObject(jsonObject(toolCall).function)
    estimate.add(called.name)
    estimate.add(called.arguments)
  }
}
