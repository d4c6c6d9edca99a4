import type { ReplayedRequest, ReplayEvent } from '@token-meter/testkit'
import { type Metered, type MeteredOptions, startMetered } from './metered.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** A run whose clients have a real host's base URL, and reach the local server all the same. */
export async function startAtHost(
  OpenAI: SdkClass,
  baseURL: string,
  options: MeteredOptions = {},
): Promise<Metered> {
  let address = ''
  const redirect = (url: string, init: RequestInit) => fetch(address + new URL(url).pathname, init)
  const client = { ...options.client, baseURL, fetch: redirect }
  const run = await startMetered(OpenAI, { ...options, client })
  address = run.server.url
  return run
}

/** Serves events exactly as given: the server's scripts send usage as OpenAI does, others do not. */
export function serveEvents(
  { server }: Metered,
  events: readonly ReplayEvent[] | ((request: ReplayedRequest) => readonly ReplayEvent[]),
  times = 1,
): void {
  const eventStream = (request: ReplayedRequest) => {
    const sent = typeof events === 'function' ? events(request) : events
    const lines = sent.map((event) => `data: ${JSON.stringify(event)}\n\n`)
    return new TextEncoder().encode(`${lines.join('')}data: [DONE]\n\n`)
  }
  server.serve(eventStream, { times, headers: { 'content-type': 'text/event-stream' } })
}

/** True when a request asks for its usage. */
export function asksForUsage({ body }: ReplayedRequest): boolean {
  const { stream_options: options } = body as { stream_options?: { include_usage?: boolean } }
  return options?.include_usage === true
}

/** Reads a streamed chat completion; answers its chunks as JSON. */
export async function readChat(client: SdkClient, model: string): Promise<string[]> {
  const messages = [{ role: 'user' as const, content: 'hi' }]
  const chunks: string[] = []
  for await (const chunk of await client.chat.completions.create({
    model,
    messages,
    stream: true,
  })) {
    chunks.push(JSON.stringify(chunk))
  }
  return chunks
}
