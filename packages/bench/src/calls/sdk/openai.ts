import { type From, importCopy } from '../module-copies.ts'
import type { Sdk, SdkClass, StreamClass } from './sdk.ts'

interface Client {
  chat: { completions: { create(body: object): Promise<unknown> } }
}

const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Tell me a story.' }] }
const streamed = { ...body, stream: true }

/** A copy of the `openai` package under the name it is installed by. */
export async function loadOpenAI(name: string, from: From, copy?: string): Promise<Sdk> {
  const module = await importCopy<{ OpenAI: SdkClass }>(name, from, copy)
  const { Stream } = await importCopy<{ Stream: StreamClass }>(`${name}/streaming`, from, copy)
  return {
    module,
    Client: module.OpenAI,
    connect: ({ baseUrl, fetch, Client = module.OpenAI, more }) =>
      new Client({
        apiKey: 'none',
        baseURL: `${baseUrl}/v1`,
        maxRetries: 0,
        ...(fetch && { fetch }),
        ...more,
      }),
    call: (client) => (client as Client).chat.completions.create(body),
    // Peers cannot count a stream whose usage was not asked for.
    stream: (client, own = false) =>
      (client as Client).chat.completions.create(
        own ? streamed : { ...streamed, stream_options: { include_usage: true } },
      ) as Promise<AsyncIterable<unknown>>,
    method: (client) => (client as Client).chat.completions.create,
    replaceParsing(events) {
      Stream.fromSSEResponse = (_, controller) => new Stream(events, controller)
    },
  }
}
