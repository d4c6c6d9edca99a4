import { importCopy } from '../module-copies.ts'
import type { Sdk, SdkClass, StreamClass } from './sdk.ts'

interface Client {
  messages: { create(body: object): Promise<unknown> }
}

const body = {
  model: 'claude-sonnet-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Tell me a story.' }],
}
const streamed = { ...body, stream: true }

/** A copy of `@anthropic-ai/sdk`. */
export async function loadAnthropic(copy: string): Promise<Sdk> {
  const name = '@anthropic-ai/sdk'
  const module = await importCopy<{ Anthropic: SdkClass }>(name, 'workspace', copy)
  const streaming = `${name}/streaming`
  const { Stream } = await importCopy<{ Stream: StreamClass }>(streaming, 'workspace', copy)
  return {
    module,
    Client: module.Anthropic,
    connect: ({ baseUrl, fetch }) =>
      new module.Anthropic({
        apiKey: 'none',
        baseURL: baseUrl,
        maxRetries: 0,
        ...(fetch && { fetch }),
      }),
    call: (client) => (client as Client).messages.create(body),
    stream: (client) =>
      (client as Client).messages.create(streamed) as Promise<AsyncIterable<unknown>>,
    method: (client) => (client as Client).messages.create,
    replaceParsing(events) {
      Stream.fromSSEResponse = (_, controller) => new Stream(events, controller)
    },
  }
}
