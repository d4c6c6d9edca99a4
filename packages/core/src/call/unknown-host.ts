/**
 * What is metered at a host that nobody knows. Servers of one's own (vLLM, a proxy) are such hosts, and
 * so is everything else that an application sends requests to, whose paths may end alike
 * (`POST https://forms.example.com/v1/responses`). So there a request is a call of a model where
 *
 * 1. method and path are those of a protocol,
 * 2. its body names a model and has an input, in a field of that endpoint (`Endpoint.inputs`). What has no
 *    body, or one that is not to be read (a stream, a file), is let through to the next point, and is never
 *    refused for want of a customer,
 * 3. its answer shows it: by its usage, or by what a model made, where the protocol has that. A stream
 *    of events that answers a body as in 2 needs no other sign.
 *
 * A body that has an input and names no model, which some APIs do not ask for (Cohere's first version,
 * what goes on with a conversation, servers of a single model), or has its input by a name of every day, is
 * one where the answer has a usage object that counts tokens: nothing else shows it. It is never refused.
 *
 * Of all else nothing is recorded, and nothing is said.
 */
import type { Call } from '../wire/endpoint.ts'
import type { TokenEstimate } from '../wire/token-estimate.ts'
import type { UsageReading } from '../wire/usage-reading.ts'

const modelFields = ['model', 'agent_id', 'agent', 'assistant_id', 'endpoint'] as const

const inputFields = [
  'messages',
  'input',
  'inputs',
  'inputText',
  'prompt',
  'contents',
  'content',
  'requests',
  'batch',
  'instances',
  'texts',
  'images',
  'query',
  'document',
  'documents',
  'assistant_id',
  'input_file_id',
  // Of a form, whose files are no fields.
  'file',
] as const

/**
 * True for the fields of a body that names a model and has an input for it.
 * @param inputs what the input can be called.
 */
export function asksModel(body: Call['body'], inputs: readonly string[] = inputFields): boolean {
  return (
    modelFields.some((name) => typeof body[name] === 'string' && body[name] !== '') &&
    inputs.some((name) => body[name] !== undefined && body[name] !== null)
  )
}

/** Names that other services have for what they are sent, too. */
const dailyFields = ['message', 'text', 'state'] as const

/**
 * True for the fields of a body that has something to ask a model, whether it names one or not.
 * @param inputs what the input can be called.
 */
export function mayAskModel(
  body: Call['body'],
  inputs: readonly string[] = [...inputFields, ...dailyFields],
): boolean {
  return inputs.some((name) => body[name] !== undefined && body[name] !== null)
}

/** True where an answer has a usage object that counts tokens. */
export function showsUsage(readings: readonly UsageReading[]): boolean {
  return readings.some(({ tokens, raw }) => raw !== undefined && isCounted(tokens))
}

/** True where an answer shows that a model was asked: by usage, or by what a model made. */
export function showsModel(
  readings: readonly UsageReading[],
  output: () => Pick<TokenEstimate, 'isEmpty' | 'hasAnswer' | 'hasToolCall'>,
): boolean {
  if (readings.length === 0) return false
  if (readings.some(({ tokens, details }) => isCounted(tokens) || isCounted(details))) return true
  const made = output()
  return !made.isEmpty || made.hasAnswer || made.hasToolCall
}

function isCounted(counts: object): boolean {
  return Object.values(counts).some((count) => typeof count === 'number' && count > 0)
}
