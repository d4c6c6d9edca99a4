import { importCopy } from '../module-copies.ts'
import type { Sdk, SdkClass } from './sdk.ts'

interface Client {
  models: {
    generateContent(request: object): Promise<unknown>
    generateContentStream(request: object): Promise<AsyncIterable<unknown>>
  }
}

interface ApiClient {
  processStreamResponse(response: Response): AsyncGenerator<unknown, void>
}

const request = { model: 'gemini-2.5-flash', contents: 'Tell me a story.' }

/** A copy of `@google/genai`. */
export async function loadGenai(copy: string): Promise<Sdk> {
  const module = await importCopy<{ GoogleGenAI: SdkClass }>('@google/genai', 'workspace', copy)
  return {
    module,
    Client: module.GoogleGenAI,
    connect: ({ baseUrl, fetch = globalThis.fetch }) =>
      // Without a fetch of its own, this SDK opens a connection for every request.
      new module.GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl, fetch } }),
    call: (client) => (client as Client).models.generateContent(request),
    stream: (client) => (client as Client).models.generateContentStream(request),
    method: (client) => (client as Client).models.generateContent,
    replaceParsing(events) {
      const client = new module.GoogleGenAI({ apiKey: 'none' }) as { apiClient: ApiClient }
      const api = Object.getPrototypeOf(client.apiClient) as ApiClient
      api.processStreamResponse = async function* processStreamResponse(responseInternal) {
        for await (const event of events()) {
          yield { responseInternal, json: () => Promise.resolve(event) }
        }
      }
    },
  }
}
