import { jsonObject, type TokenEstimate } from '@token-meter/core/wire'

/** Adds the text of a message or of a streamed part of one: what is billed as output. */
export function addMessage(message: unknown, estimate: TokenEstimate): void {
  const fields = jsonObject(message)
  if (typeof fields.content === 'string') estimate.add(fields.content)
  // Some servers answer parts, as requests have them.
  else estimate.addStrings(fields.content)
  estimate.add(fields.refusal)
  estimate.add(fields.reasoning_content)
  estimate.add(fields.reasoning)
  addCall(fields.function_call, estimate)
  if (fields.audio !== undefined && fields.audio !== null) {
    estimate.addAnswer()
    estimate.add(jsonObject(fields.audio).transcript)
  }
  if (!Array.isArray(fields.tool_calls)) return
  for (const toolCall of fields.tool_calls) {
    const { function: called, custom } = jsonObject(toolCall)
    addCall(called, estimate)
    addCall(custom, estimate)
  }
}

function addCall(called: unknown, estimate: TokenEstimate): void {
  const { name, arguments: args, input } = jsonObject(called)
  estimate.addToolCall(name)
  estimate.addToolCall(args)
  estimate.addToolCall(input)
}
