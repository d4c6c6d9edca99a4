import type { Sdk } from './metered.ts'

/** A method of the SDK and what it requests: `POST /v2/chat`, ids as `{id}`. */
export interface SdkMethod {
  readonly name: string
  readonly request: string | undefined
}

type Method = (...args: unknown[]) => unknown

/** Takes the place of ids and of the other arguments that a path can have in it. */
const id = 'id-of-something'

/**
 * Every method of the clients and of their resources, each called with a client that sends nothing:
 * those of `CohereClient`, of its resources, and those of `CohereClientV2`, which are its own fields.
 */
export async function sdkMethods(sdk: Sdk): Promise<readonly SdkMethod[]> {
  const requests: string[] = []
  const settings = {
    token: 'key',
    environment: 'http://loopback.example',
    maxRetries: 0,
    fetch: (async (input, init) => {
      requests.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname}`)
      return new Response('{}', { headers: { 'content-type': 'application/json' } })
    }) as typeof fetch,
  }
  const found: SdkMethod[] = []
  const walk = async (owner: object, path: string): Promise<void> => {
    for (const name of namesOf(owner)) {
      const value: unknown = Reflect.get(owner, name)
      if (typeof value === 'object' && value !== null) await walk(value, `${path}${name}.`)
      if (typeof value !== 'function') continue
      requests.length = 0
      await called(() => Reflect.apply(value as Method, owner, argumentsOf(path + name)))
      const request = requests[0]?.replaceAll(id, '{id}')
      found.push({ name: `${path}${name}`, request })
    }
  }
  await walk(new sdk.CohereClient(settings), 'CohereClient.')
  await walk(new sdk.CohereClientV2(settings), 'CohereClientV2.')
  return found
}

/** Public names of an object and of the SDK's classes above it. */
function namesOf(owner: object): readonly string[] {
  const names = new Set<string>()
  for (let at = owner; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  }
  const inner = new Set(['constructor', 'options', 'client', 'clientV2'])
  return [...names].filter((name) => !name.startsWith('_') && !inner.has(name))
}

/** Whatever a method asks for, under the names of all of them. */
const request = {
  model: 'model',
  message: 'text',
  messages: [{ role: 'user', content: 'text' }],
  prompt: 'text',
  text: 'text',
  texts: ['text'],
  inputType: 'search_query',
  query: 'text',
  documents: [],
  document: { type: 'image_url', imageUrl: 'https://example.com/a.png' },
  tokens: [1],
  name: 'mine',
  url: 'https://example.com',
  type: 'embed-input',
  language: 'en',
  datasetId: 'in',
  inputDatasetId: 'in',
  settings: { baseModel: { baseType: 'BASE_TYPE_CHAT' }, datasetId: 'in' },
}

function argumentsOf(path: string): unknown[] {
  const name = path.split('.').at(-1)!
  if (name === 'fetch') return ['/v2/chat', { method: 'POST', body: '{}' }]
  const file = new Blob(['a'])
  if (path.includes('transcriptions')) return [file, request]
  if (path.endsWith('datasets.create')) return [file, undefined, request]
  const body = name === 'classify' ? { inputs: ['text', 'text'], examples: [] } : request
  return takesId.test(name) ? [id, body] : [body]
}

const takesId =
  /^(?:get|retrieve|delete|cancel|update|oAuthAuthorize|list(?:Events|Training).*|(?:get|update|delete)FinetunedModel)$/

async function called(call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    // Of an answer that is none, or of a method that the SDK itself has broken.
  }
}
