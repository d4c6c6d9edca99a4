import { setImmediate } from 'node:timers/promises'
import type { SdkClass } from './sdk-majors.ts'

/** A resource method of an SDK, and the request that it makes in the end, if it makes any by itself. */
export interface SdkMethod {
  readonly name: string
  /** `POST /v1/messages`, with `{id}` for every id. */
  readonly request: string | undefined
}

interface Resource {
  readonly _client: unknown
}

/**
 * Every public method of the SDK's resources. Their requests are learnt by calling each method with
 * a client that sends nothing.
 */
export async function sdkMethods(Anthropic: SdkClass): Promise<readonly SdkMethod[]> {
  const client = new Anthropic({ apiKey: 'k' })
  const methods: SdkMethod[] = []
  for (const [path, resource] of resourcesOf(client, client, '')) {
    for (const name of methodsOf(resource)) {
      methods.push({ name: `${path}.${name}`, request: await requestOf(resource, name) })
    }
  }
  return methods
}

function resourcesOf(client: object, owner: object, path: string): [string, Resource][] {
  return Object.entries(owner).flatMap(([name, value]: [string, unknown]) => {
    if (name === '_client' || !isResource(value, client)) return []
    const below = path === '' ? name : `${path}.${name}`
    return [[below, value], ...resourcesOf(client, value, below)] as [string, Resource][]
  })
}

function isResource(value: unknown, client: object): value is Resource {
  return (value as Partial<Resource> | null | undefined)?._client === client
}

function methodsOf(resource: object): string[] {
  const prototype = Object.getPrototypeOf(resource) as object
  return Object.getOwnPropertyNames(prototype).filter(
    (name) => name !== 'constructor' && !name.startsWith('_'),
  )
}

async function requestOf(resource: object, name: string): Promise<string | undefined> {
  let request: string | undefined
  const never = new Promise(() => {})
  Object.assign(never, { _thenUnwrap: () => never, withResponse: () => never })
  const finishedBatch = Promise.resolve({ results_url: '/v1/messages/batches/{id}/results' })
  const send = (method: string) => (path: string, options?: unknown) => {
    // The form of an upload, which has no file here.
    Promise.resolve(options).catch(() => {})
    request = `${method.toUpperCase()} ${decodeURIComponent(path)}`.replace('?beta=true', '')
    return request === 'GET /v1/messages/batches/{id}' ? finishedBatch : never
  }
  const client = {
    _options: {},
    logger: console,
    fetch: async () => new Response(),
    calculateNonstreamingTimeout: () => 1,
    getAPIList: send('get'),
    ...Object.fromEntries(
      ['get', 'post', 'put', 'patch', 'delete'].map((method) => [method, send(method)]),
    ),
  }
  const standIn = Object.create(resource, { _client: { value: client } }) as Record<
    string,
    (...args: unknown[]) => unknown
  >
  // A method reads an id from a parameter of any name, where it is not given as the first.
  const anyParameter = new Proxy({}, { get: (_, key) => (key in {} ? undefined : '{id}') })
  for (const args of [['{id}', {}], [{ messages: [] }], ['{id}', anyParameter]]) {
    try {
      const result = standIn[name]?.(...args) as Partial<Promise<unknown>> | undefined
      result?.catch?.(() => {})
      await setImmediate()
    } catch {
      // It wants other arguments.
    }
    if (request !== undefined && !request.includes('undefined')) return request
  }
  return undefined
}
