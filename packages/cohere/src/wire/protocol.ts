import { type Endpoint, requestBody, type WireProtocol } from '@token-meter/core/wire'
import { chat, generate, summarize } from './chat.ts'
import { jobAgain, jobCreation, type JobKind } from './jobs.ts'
import { classify, embed, parse, rerank } from './pieces.ts'

/** What a POST is billed for, by its version and path. */
const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  ['v2/chat', chat],
  ['v1/chat', chat],
  ['v1/generate', generate],
  ['v1/summarize', summarize],
  ['v2/embed', embed],
  ['v1/embed', embed],
  ['v2/rerank', rerank],
  ['v1/rerank', rerank],
  ['v1/classify', classify],
  ['v2/parse', parse],
])

const jobs: ReadonlyMap<string, JobKind> = new Map([
  ['v1/embed-jobs', 'embedJobs'],
  ['v2/batches', 'batches'],
])

/** What costs something that no answer tells. */
const unmetered: ReadonlyMap<string, string> = new Map([
  [
    'v2/audio/transcriptions',
    'transcriptions work, but are not metered (their answers are text alone)',
  ],
  [
    'v1/finetuning/finetuned-models',
    'fine-tuning works, but is not metered (training has a price of its own)',
  ],
])

/** Cohere's HTTP API, of both versions: https://docs.cohere.com/reference/about */
export const cohereWire: WireProtocol = {
  name: 'cohere',
  open({ method, url, body }, context) {
    const path = pathOf(url)
    if (method.toUpperCase() === 'GET') {
      const kind = jobs.get(path.split('/', 2).join('/'))
      return kind === undefined ? undefined : jobAgain(kind, context)
    }
    if (method.toUpperCase() !== 'POST') return undefined
    const endpoint = endpoints.get(path)
    if (endpoint !== undefined) return { endpoint, body: requestBody(body) }
    const kind = jobs.get(path)
    if (kind !== undefined) return jobCreation(kind, requestBody(body), context)
    const why = unmetered.get(path)
    return why === undefined ? undefined : { unmetered: `Cohere's ${why}: record() their usage` }
  },
  isFree: ({ method, url }) =>
    method.toUpperCase() !== 'POST' ||
    /^v\d\/(?:tokenize|detokenize|check-api-key|datasets|connectors)(?:\/|$)|[/:]cancel$/.test(
      pathOf(url),
    ),
}

/** From the last version of a URL on, without query and fragment: `v2/chat`. */
function pathOf(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1)
  return address.replace(/^.*\/(?=v\d+\/)/, '').replace(/\/+$/, '')
}
