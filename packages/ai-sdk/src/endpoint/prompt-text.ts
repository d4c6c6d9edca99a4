import { type Call, jsonObject, type TokenEstimate } from '@token-meter/core/wire'

/** Adds the text of a prompt and of its tools' schemas; files are not text. */
export function addPrompt(body: Call['body'], estimate: TokenEstimate): void {
  const { prompt, tools } = body
  for (const message of Array.isArray(prompt) ? prompt : []) {
    const { content } = jsonObject(message)
    estimate.add(content)
    for (const part of Array.isArray(content) ? content : []) addPart(jsonObject(part), estimate)
  }
  for (const tool of Array.isArray(tools) ? tools : []) {
    const { name, description, inputSchema } = jsonObject(tool)
    estimate.addStrings([name, description, { inputSchema }])
  }
}

function addPart(part: Readonly<Record<string, unknown>>, estimate: TokenEstimate): void {
  estimate.add(part.text)
  if (part.type === 'tool-call') {
    estimate.addToolCall(part.toolName)
    estimate.addToolCall(part.input)
  }
  if (part.type === 'tool-result') estimate.addStrings(part.output)
}
