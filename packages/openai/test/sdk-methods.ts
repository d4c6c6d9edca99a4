import type { SdkClass } from './sdk-majors.ts'

/** A resource method of an SDK. */
export interface SdkMethod {
  /** `chat.completions.create` */
  readonly name: string
  readonly method: (...args: unknown[]) => unknown
}

/** An HTTP request that a method makes, with `{id}` where ids were given. */
export interface MethodRequest {
  readonly verb: string
  readonly path: string
}

const base = 'http://methods.invalid/v1'

/**
 * Calls every resource method of an SDK against a provider that says yes to everything.
 * @param skipped methods that no generic call suits.
 */
export async function methodRequests(
  OpenAI: SdkClass,
  skipped: ReadonlySet<string> = new Set(),
): Promise<Map<string, readonly MethodRequest[]>> {
  const found = new Map<string, readonly MethodRequest[]>()
  for (const { name } of sdkMethods(newClient(OpenAI, () => {}))) {
    const requests: MethodRequest[] = []
    found.set(name, requests)
    if (skipped.has(name)) continue
    let isOver = false
    // A client for each, since a helper may go on asking after its answer.
    const client = newClient(OpenAI, (request) => {
      if (isOver || requests.length > 5) throw new Error('enough')
      requests.push(request)
    })
    try {
      await called(client, name)
    } catch {
      // What a helper makes of the answer is not the point here.
    }
    isOver = true
    found.set(name, unique(requests))
  }
  return found
}

function newClient(OpenAI: SdkClass, asked: (request: MethodRequest) => void): object {
  return new OpenAI({
    apiKey: 'key',
    adminAPIKey: 'admin-key',
    webhookSecret: 'secret',
    baseURL: base,
    maxRetries: 0,
    fetch: async (url: unknown, init?: { method?: string }) => {
      const { href, pathname } = new URL(url instanceof Request ? url.url : String(url))
      // The SDK's probe of what its fetch can do with forms.
      if (href.startsWith('data:')) return new Response('')
      const path = pathname.replace('/v1', '').replaceAll(/id_\d+/g, '{id}')
      asked({ verb: (init?.method ?? 'get').toLowerCase(), path })
      return Response.json(agreeable)
    },
  } as never)
}

async function called(client: object, name: string): Promise<void> {
  const path = name.split('.')
  const last = path.pop() ?? ''
  const resource = path.reduce((owner, key) => Reflect.get(owner, key) as object, client)
  const method = Reflect.get(resource, last) as SdkMethod['method']
  await settled(Reflect.apply(method, resource, argumentsOf(method)))
}

/** Every method of every resource that is reachable from a client. */
export function sdkMethods(client: object): SdkMethod[] {
  const found: SdkMethod[] = []
  const seen = new Set<object>()
  const walk = (resource: object, path: string): void => {
    if (seen.has(resource)) return
    seen.add(resource)
    for (const name of prototypeMethods(resource)) {
      const method = Reflect.get(resource, name) as SdkMethod['method']
      found.push({ name: `${path}.${name}`, method })
    }
    for (const [name, value] of Object.entries(resource)) {
      if (isResource(value)) walk(value, `${path}.${name}`)
    }
  }
  for (const [name, value] of Object.entries(client)) if (isResource(value)) walk(value, name)
  return found
}

function isResource(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'post' in value) return false
  // Some SDKs have the client in the last of a path's resources alone.
  return (
    '_client' in value || Object.values(value).some((inner) => isLast(inner) || isHolder(inner))
  )
}

const isLast = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && '_client' in value && !('post' in value)

const isHolder = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).some(isLast)

function prototypeMethods(resource: object): string[] {
  const names: string[] = []
  for (
    let prototype = Object.getPrototypeOf(resource) as object | null;
    prototype !== null && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const isMethod = typeof value === 'function' && name !== 'constructor'
      if (isMethod && !name.startsWith('_')) names.push(name)
    }
  }
  return names
}

const file = () => new File(['x'], 'x.jsonl')
const agreeable = {
  id: 'id_9',
  object: 'thing',
  status: 'completed',
  thread_id: 'id_8',
  data: [],
  choices: [],
  output: [],
  usage: null,
}

/** By the names of its parameters: the SDKs are not minified. */
function argumentsOf(method: SdkMethod['method']): unknown[] {
  const source = method.toString()
  const names = /\(([^)]*)\)/.exec(source)?.[1]?.split(',') ?? []
  // Ids that it takes out of its parameters, for the path.
  const taken = [...source.matchAll(/const \{ ([^}]*) \} = (?:params|body)/g)].flatMap(
    ([, keys]) => keys?.split(',') ?? [],
  )
  return names.map((name, index) => {
    const parameter = name.split('=')[0]?.trim() ?? ''
    if (/(?:id|model|checkpoint|version)$/i.test(parameter)) return `id_${index}`
    if (/^(?:params?|body|\{ files.*)$/.test(parameter)) return parameters(taken)
    if (parameter === 'file') return file()
    if (parameter === 'query') return {}
    if (/^(?:type|alertType|voiceID|tool)$/.test(parameter)) return 'x'
    return undefined
  })
}

function parameters(taken: readonly string[]): object {
  const ids = taken
    .map((key) => key.split(':')[0]?.trim() ?? '')
    .filter((key) => /(?:id|checkpoint)$/i.test(key))
    .map((key, index) => [key, `id_${index}`])
  return {
    model: 'm',
    input: 'x',
    prompt: 'x',
    messages: [{ role: 'user', content: 'x' }],
    tools: [],
    file: file(),
    files: [file()],
    fileIds: [],
    image: file(),
    thread_id: 'id_1',
    session_id: 'id_1',
    tool_outputs: [],
    ...Object.fromEntries(ids),
  }
}

/** Waits for a promise, or for a runner of the SDK. */
async function settled(answer: unknown): Promise<void> {
  const { done } = (answer ?? {}) as { done?: unknown }
  const waits = typeof done === 'function' ? (Reflect.apply(done, answer, []) as unknown) : answer
  await Promise.race([waits, new Promise((resolve) => setTimeout(resolve, 500))])
}

function unique(requests: readonly MethodRequest[]): MethodRequest[] {
  const seen = new Map(requests.map((request) => [`${request.verb} ${request.path}`, request]))
  return [...seen.values()]
}
