import { requestHeaders } from '@token-meter/core/adapter'
import { text, type WireRequest } from '@token-meter/core/wire'

type Input = Readonly<Record<string, unknown>>

/** What of an answer has the usage. */
export type AnswerKind =
  /** The answer itself. */
  | 'fields'
  /** Bytes of JSON, in its `body`. */
  | 'body'
  /** Events, in its `stream` or its `body`. */
  | 'events'

/** A command of the SDK as the HTTP request that it becomes. */
export interface CommandRequest extends WireRequest {
  readonly answer: AnswerKind
}

const ofModel: Readonly<Record<string, readonly [path: string, answer: AnswerKind]>> = {
  ConverseCommand: ['converse', 'fields'],
  ConverseStreamCommand: ['converse-stream', 'events'],
  InvokeModelCommand: ['invoke', 'body'],
  InvokeModelWithResponseStreamCommand: ['invoke-with-response-stream', 'events'],
  InvokeModelWithBidirectionalStreamCommand: ['invoke-with-bidirectional-stream', 'events'],
  CountTokensCommand: ['count-tokens', 'fields'],
}

const others: Readonly<Record<string, (input: Input) => string>> = {
  ApplyGuardrailCommand: ({ guardrailIdentifier: id, guardrailVersion: version }) =>
    `/guardrail/${encoded(id)}/version/${encoded(version)}/apply`,
  InvokeGuardrailChecksCommand: () => '/guardrail-checks/invoke',
  StartAsyncInvokeCommand: () => '/async-invoke',
}

/** Commands that ask for nothing that costs. */
const reading: ReadonlySet<string> = new Set(['GetAsyncInvokeCommand', 'ListAsyncInvokesCommand'])

/** `undefined` for a command that nobody here knows. */
export function commandRequest(name: string, input: Input): CommandRequest | undefined {
  if (reading.has(name)) {
    return { method: 'GET', url: '/async-invoke', headers: undefined, body: {}, answer: 'fields' }
  }
  const path = Object.hasOwn(others, name) ? others[name] : undefined
  if (path !== undefined) return post(path(input), input, 'fields')
  const known = Object.hasOwn(ofModel, name) ? ofModel[name] : undefined
  if (known === undefined) return undefined
  const [asked, answer] = known
  const isInvocation = name.startsWith('InvokeModel')
  // The other fields of an invocation are headers; the body of a conversation is still to come.
  const body = isInvocation
    ? answer === 'events' && isIterable(input.body)
      ? {}
      : input.body
    : input
  return post(`/model/${encoded(input.modelId)}/${asked}`, body, answer, metadataOf(input))
}

function post(url: string, body: unknown, answer: AnswerKind, metadata?: string): CommandRequest {
  const headers =
    metadata === undefined
      ? undefined
      : requestHeaders({ 'x-amzn-bedrock-request-metadata': metadata })
  return { method: 'POST', url, headers, body, answer }
}

/** InvokeModel's is text; Converse's is in its body. */
function metadataOf({ requestMetadata }: Input): string | undefined {
  return text(requestMetadata)
}

function encoded(part: unknown): string {
  return encodeURIComponent(String(part))
}

function isIterable(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
