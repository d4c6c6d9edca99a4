import { jsonObject, type TokenEstimate } from '@token-meter/core/wire'

/** Adds what a model wrote among the output items of a response. */
export function addOutputItems(output: unknown, estimate: TokenEstimate): void {
  for (const item of Array.isArray(output) ? output.map(jsonObject) : []) {
    const { type, content, summary, code, result } = item
    estimate.addStrings([content, summary])
    estimate.add(code)
    if (typeof result === 'string' && result !== '') estimate.addAnswer()
    if (!String(type).endsWith('_call') || type === 'code_interpreter_call') continue
    for (const name of ['name', 'arguments', 'input', 'action']) estimate.addToolCall(item[name])
  }
}
