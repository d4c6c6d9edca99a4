import type { SdkClass } from './metered.ts'

/** A method of the SDK and what it requests: `POST /api/chat`. */
export interface SdkMethod {
  readonly name: string
  readonly request: string | undefined
}

type Method = (...args: unknown[]) => unknown

/** Whatever a method asks for, under the names of all of them. */
const request = {
  model: 'model',
  messages: [{ role: 'user', content: 'text' }],
  prompt: 'text',
  input: 'text',
  source: 'model',
  destination: 'mine',
  query: 'text',
  url: 'https://example.com',
  state: 'text',
  questions: {},
}

/** Not the caller's: what the SDK's methods are made of. */
const inner = new Set(['constructor', 'processStreamableRequest', 'encodeImage', 'fileExists'])

/** Every method of a client, each called with a `fetch` that sends nothing. */
export async function sdkMethods(Sdk: SdkClass): Promise<readonly SdkMethod[]> {
  const requests: string[] = []
  const client = new Sdk({
    fetch: async (input, init) => {
      requests.push(
        `${init?.method ?? 'GET'} ${String(input).replace('http://127.0.0.1:11434', '')}`,
      )
      return Response.json({})
    },
  })
  const found: SdkMethod[] = []
  const names = new Set<string>()
  for (let at: object = client; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    if (at !== client) for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  }
  for (const name of [...names].filter((each) => !inner.has(each))) {
    requests.length = 0
    await Reflect.apply(Reflect.get(client, name) as Method, client, [{ ...request }])
    found.push({ name, request: requests[0] })
  }
  return found
}
