import { type Endpoint, jsonObject } from '@token-meter/core/wire'
import { refusalsOf } from '../usage/answer-refusals.ts'
import { wholeAnswer } from '../usage/model-answer.ts'
import { readUsage } from '../usage/read-usage.ts'
import { addPrompt } from './prompt-text.ts'
import { LanguageStreamReader } from './language-stream-reader.ts'

/** `doGenerate` and `doStream` of a language model: one request, so one step of a tool loop. */
export const languageModel: Endpoint = {
  name: 'languageModel',
  read: (result, { provider, body }) => {
    const answer = { ...wholeAnswer(result), refusals: refusalsOf(result, provider) }
    return readUsage(answer, provider, String(body.model))
  },
  openStream: (call, output, { headers }) => new LanguageStreamReader(call, output, headers),
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
