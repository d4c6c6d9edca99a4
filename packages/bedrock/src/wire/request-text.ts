import type { Call, TokenEstimate } from '@token-meter/core/wire'

/** Where the makers of models put what a model is given to read, beside Converse's own fields. */
const read: readonly string[] = [
  'system',
  'messages',
  'toolConfig',
  'tools',
  'prompt',
  'inputText',
  'input_text',
  'inputs',
  'texts',
  'message',
  'chat_history',
  'preamble',
  'query',
  'documents',
  'singleEmbeddingParams',
]

/** Adds the text of a request of any maker's shape. */
export function addRequestText(body: Call['body'], estimate: TokenEstimate): void {
  estimate.addStrings(read.map((name) => withoutFiles(body[name])))
}

/** What of a value is no file: those are bytes here, and base64 on the wire. */
function withoutFiles(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) {
    return typeof value === 'object' ? undefined : value
  }
  if (Array.isArray(value)) return value.map(withoutFiles)
  const fields = Object.entries(value).filter(([name]) => name !== 'bytes')
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutFiles(field)]))
}
