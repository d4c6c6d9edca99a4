import { Agent, request } from 'node:http'
import type { CapturedRequest } from './captured-requests.ts'

/** Requests in flight at a time: as many as the sink has. */
const concurrency = 32

export interface BareClient {
  readonly name: string
  send(baseUrl: string, requests: readonly CapturedRequest[]): Promise<void>
}

/** The least that sending the same bytes costs: no outbox, no ids, no reading of answers. */
export const bareClients: readonly BareClient[] = [
  {
    name: 'node:http keep-alive',
    async send(baseUrl, requests) {
      const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
      await inParallel(requests, (one) => postByHttp(agent, baseUrl, one))
      agent.destroy()
    },
  },
  {
    name: 'fetch',
    send: (baseUrl, requests) =>
      inParallel(requests, async ({ path, headers, body }) => {
        const response = await fetch(baseUrl + path, {
          method: 'POST',
          headers: sendable(headers),
          body,
        })
        await response.text()
      }),
  },
]

function postByHttp(
  agent: Agent,
  baseUrl: string,
  { path, headers, body }: CapturedRequest,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { agent, method: 'POST', headers: sendable(headers) }
    const sent = request(baseUrl + path, options, (response) => {
      response.resume().on('end', resolve).on('error', reject)
    })
    sent.on('error', reject).end(body)
  })
}

/** Without those that belong to the connection. */
function sendable(headers: CapturedRequest['headers']): Record<string, string> {
  const { host: _, connection: __, 'content-length': ___, ...others } = headers
  return others as Record<string, string>
}

async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}
