import { type Call, type Endpoint, jsonObject, type TokenEstimate } from '@token-meter/core/wire'
import { wholeAnswer } from '../usage/answer.ts'
import { readUsage } from '../usage/read-usage.ts'
import { refusalsOf } from '../usage/refusals.ts'
import { languageBounds } from './bounds.ts'
import { LanguageStreamReader } from './language-stream-reader.ts'

/**
 * `doGenerate` and `doStream` of a language model: one request, so one step of a tool loop. Of a
 * stream whose provider's own events the caller has asked for, or nobody.
 */
export const languageModel: Endpoint = {
  name: 'languageModel',
  bounds: languageBounds,
  read: (result, { provider, body }) => {
    const answer = { ...wholeAnswer(result), refusals: refusalsOf(result, provider) }
    return readUsage(answer, provider, String(body.model))
  },
  openStream: (call, output, { headers }) => new LanguageStreamReader(call, output, headers, false),
  estimateInput: addPrompt,
  estimateOutput(result, estimate) {
    const { content } = jsonObject(result)
    for (const part of Array.isArray(content) ? content : []) {
      const { type, text, toolName, input } = jsonObject(part)
      estimate.add(text)
      estimate.addToolCall(toolName)
      estimate.addToolCall(input)
      if (type === 'file') estimate.addAnswer()
    }
  },
}

/** A stream whose provider's own events the meter has asked for: the caller must not see them. */
export const languageModelHidingRaw: Endpoint = {
  ...languageModel,
  openStream: (call, output, { headers }) => new LanguageStreamReader(call, output, headers, true),
}

/** Adds the text of a prompt and of its tools' schemas; files are not text. */
function addPrompt(body: Call['body'], estimate: TokenEstimate): void {
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
