import {
  type Call,
  type Endpoint,
  requestBody,
  type TokenEstimate,
  type WireContext,
  type WireOperation,
  type WireProtocol,
} from '@token-meter/core/wire'
import { chatCompletions, embeddings } from '@token-meter/openai/wire'
import { heard, speech } from './audio.ts'
import { judgedBounds, continuedBounds } from './bounds.ts'
import { batchAgain, batchCreation } from './batch-jobs.ts'
import { conversations } from './conversations.ts'
import { ocr } from './ocr.ts'

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
  return { ...embeddings, name, bounds: judgedBounds, estimateInput }
}

/** By the path below the version. Mistral's chat is OpenAI's, with fields of its own. */
const endpoints: readonly (readonly [path: RegExp, endpoint: Endpoint])[] = [
  [/^chat\/completions$/, chatCompletions],
  [/^agents\/completions$/, { ...chatCompletions, name: 'agents.completions' }],
  [/^fim\/completions$/, fim],
  [/^embeddings$/, embeddings],
  [/^conversations$/, conversations],
  [/^conversations\/[^/]+(?:\/restart)?$/, { ...conversations, bounds: continuedBounds }],
  [/^audio\/transcriptions$/, heard],
  [/^audio\/speech$/, speech],
  [/^ocr$/, ocr],
  [/^moderations$/, classifier('moderations')],
  [/^classifications$/, classifier('classifications')],
  [/^chat\/moderations$/, classifier('chat.moderations')],
  [/^chat\/classifications$/, classifier('chat.classifications')],
]

/** What costs something that no answer tells for certain. */
const unmetered: readonly (readonly [path: RegExp, calls: string, why: string])[] = [
  [/^fine_tuning\/jobs$/, 'fine-tuning jobs', 'training has a price of its own'],
  [
    /^libraries\/[^/]+\/documents(?:\/[^/]+\/reprocess)?$/,
    'documents of libraries',
    'they are read after the answer: the tokens_processing_total of a document says what that used',
  ],
  [
    /^observability\/(?:campaigns|[\w-]+\/[^/]+\/live-judging)$/,
    'judges',
    'their answers do not say what they used',
  ],
]

/**
 * Mistral's HTTP API, at its own hosts and at whatever serves it: https://docs.mistral.ai/api. It
 * gives the usage of every stream unasked, and refuses `stream_options`.
 */
export const mistralWire: WireProtocol = {
  name: 'mistral',
  open({ method, url, body }, context) {
    const path = pathOf(url)
    const verb = method.toUpperCase()
    const job = jobAgain(verb, path, context)
    if (job !== undefined || verb !== 'POST') return job
    if (path === 'batch/jobs') return batchCreation(requestBody(body), context, read)
    const endpoint = endpointOf(path)
    if (endpoint !== undefined) return { endpoint, body: requestBody(body) }
    const [, calls, why] = unmetered.find(([pattern]) => pattern.test(path)) ?? []
    return calls === undefined ? undefined : told(calls, why)
  },
  isFree: ({ method }) => method.toUpperCase() !== 'POST',
}

/** How the requests of a batch are read, by the path that it names. */
const read = (asked: string) => endpointOf(pathOf(asked))

function endpointOf(path: string): Endpoint | undefined {
  return endpoints.find(([pattern]) => pattern.test(path))?.[1]
}

/** Shows or cancels a batch job. */
function jobAgain<Creator>(
  method: string,
  path: string,
  context: WireContext<Creator>,
): WireOperation<Creator> | undefined {
  const [, id, cancel] = /^batch\/jobs\/([^/]+)(\/cancel)?$/.exec(path) ?? []
  if (id === undefined || method !== (cancel === undefined ? 'GET' : 'POST')) return undefined
  return batchAgain(id, context, read)
}

function told(calls: string, why: string | undefined) {
  return {
    unmetered: `Mistral's ${calls} work, but are not metered (${why}): record() their usage`,
  }
}

/** What stands behind the last version of a URL, without query and fragment. */
function pathOf(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1)
  return address.replace(/^.*\/v\d+\//, '').replace(/\/+$/, '')
}
