import {
  type Call,
  type Endpoint,
  requestBody,
  type TokenEstimate,
  type WireProtocol,
} from '@token-meter/core/wire'
import { chatCompletions, embeddings, transcriptions } from '@token-meter/openai/wire'
import { conversations, TypedStreamReader } from './conversations.ts'

/** Code to be filled in: the answer is a chat completion. */
const fim: Endpoint = {
  ...chatCompletions,
  name: 'fim.completions',
  estimateInput: (body, estimate) => estimate.addStrings([body.prompt, body.suffix]),
}

/** Judges what it is given; the answer shows its usage where the server counts it. */
function classifier(name: string): Endpoint {
  const estimateInput = (body: Call['body'], estimate: TokenEstimate) =>
    estimate.addStrings([body.input, body.messages])
  return { ...embeddings, name, estimateInput }
}

const heard: Endpoint = {
  ...transcriptions('audio.transcriptions'),
  openStream: (call, output) => new TypedStreamReader(call, output, 'transcription.done'),
}

/** By the path below the version. Mistral's chat is OpenAI's, with fields of its own. */
const endpoints: readonly (readonly [path: RegExp, endpoint: Endpoint])[] = [
  [/^chat\/completions$/, chatCompletions],
  [/^agents\/completions$/, { ...chatCompletions, name: 'agents.completions' }],
  [/^fim\/completions$/, fim],
  [/^embeddings$/, embeddings],
  [/^conversations(?:\/[^/]+(?:\/restart)?)?$/, conversations],
  [/^audio\/transcriptions$/, heard],
  [/^moderations$/, classifier('moderations')],
  [/^classifications$/, classifier('classifications')],
  [/^chat\/moderations$/, classifier('chat.moderations')],
  [/^chat\/classifications$/, classifier('chat.classifications')],
]

/** What costs something that is not tokens, or that no answer tells. */
const unmetered: readonly (readonly [path: RegExp, calls: string, why: string])[] = [
  [/^ocr$/, 'OCR calls', 'they are billed by the page'],
  [/^audio\/speech$/, 'speech calls', 'their answers do not say what they used'],
  [/^batch\/jobs$/, 'batch jobs', 'what they used stands in a file of results'],
  [/^fine_tuning\/jobs$/, 'fine-tuning jobs', 'training has a price of its own'],
]

/**
 * Mistral's HTTP API, at its own hosts and at whatever serves it: https://docs.mistral.ai/api. It
 * gives the usage of every stream unasked, and refuses `stream_options`.
 */
export const mistralWire: WireProtocol = {
  name: 'mistral',
  open({ method, url, body }) {
    if (method.toUpperCase() !== 'POST') return undefined
    const path = pathOf(url)
    const endpoint = endpoints.find(([pattern]) => pattern.test(path))?.[1]
    if (endpoint !== undefined) return { endpoint, body: requestBody(body) }
    const [, calls, why] = unmetered.find(([pattern]) => pattern.test(path)) ?? []
    if (calls === undefined) return undefined
    return {
      unmetered: `Mistral's ${calls} work, but are not metered (${why}): record() their usage`,
    }
  },
  isFree: ({ method }) => method.toUpperCase() !== 'POST',
}

/** What stands behind the last version of a URL, without query and fragment. */
function pathOf(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1)
  return address.replace(/^.*\/v\d+\//, '').replace(/\/+$/, '')
}
