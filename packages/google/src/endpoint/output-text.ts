import { jsonObject, type TokenEstimate } from '@token-meter/core/wire'

/** Adds the text of candidates, or of streamed parts of them: what is billed as output. */
export function addCandidates(candidates: unknown, output: TokenEstimate): void {
  if (!Array.isArray(candidates)) return
  for (const candidate of candidates) addContent(jsonObject(candidate).content, output)
}

/** Adds the text of one content object: its answer, thoughts, calls of functions and code. */
export function addContent(content: unknown, output: TokenEstimate): void {
  const { parts } = jsonObject(content)
  if (!Array.isArray(parts)) return
  for (const part of parts) {
    const { text, functionCall, executableCode, inlineData } = jsonObject(part)
    output.add(text)
    if (functionCall !== undefined) {
      const { name, args, partialArgs } = jsonObject(functionCall)
      output.addToolCall(name)
      output.addToolCall(args)
      output.addToolCall(partialArgs)
    }
    if (executableCode !== undefined) output.add(jsonObject(executableCode).code)
    if (inlineData !== undefined) output.addAnswer()
  }
}
