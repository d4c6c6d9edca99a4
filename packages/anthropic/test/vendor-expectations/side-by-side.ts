import { expect } from 'vitest'
import { anthropicProvider, createMeter, memoryOutbox, type UsageRecord } from '../../src/index.ts'
import type { SdkClass, SdkClient } from '../sdk-majors.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What a scenario has to work with; made anew for the raw and for the metered client. */
export interface Side {
  readonly client: SdkClient
  /** The requests that reached `fetch`. */
  readonly sent: { url: string; init: RequestInit }[]
  /** Makes another client, on the same side. */
  wrap(client: SdkClient): SdkClient
}

export interface SideBySide {
  readonly records: readonly UsageRecord[]
  readonly faults: readonly string[]
  readonly outcome: unknown
}

/**
 * Plays a scenario on a raw client and on a metered one, each with a `fetch` of its own, and demands
 * that both end alike: with equal values, or with errors of one class, message and status.
 */
export async function sideBySide(
  Anthropic: SdkClass,
  scenario: (side: Side) => unknown,
  options: object = {},
  newFetch: () => Fetch = () => async () => Response.json({}),
): Promise<SideBySide> {
  const records: UsageRecord[] = []
  const faults: string[] = []
  const meter = createMeter({
    providers: [anthropicProvider],
    outbox: memoryOutbox(),
    onError: (error) => void faults.push(error.message),
  })
  meter.on('usage', (record) => void records.push(record))
  const play = async (wrap: Side['wrap']) => {
    const sent: Side['sent'] = []
    const answer = newFetch()
    const fetch: Fetch = async (url, init) => {
      sent.push({ url: String(url), init })
      return await answer(String(url), init)
    }
    const client = new Anthropic({
      apiKey: 'sk-test',
      baseURL: 'https://vendor.test',
      maxRetries: 0,
      fetch: fetch as never,
      ...options,
    })
    return await outcomeOf(async () => await scenario({ client: wrap(client), sent, wrap }))
  }
  const raw = await play((client) => client)
  const metered = await play((client) => meter(client, 'cus_1'))
  expect(metered).toEqual(raw)
  await meter.close()
  return { records, faults, outcome: raw }
}

/** How a piece of work ended, in a form that can be compared. */
export async function outcomeOf(work: () => unknown): Promise<unknown> {
  try {
    return { value: await work() }
  } catch (error) {
    const { constructor, message, status } = error as Error & { status?: number }
    return { error: [constructor.name, message, status] }
  }
}

/** The body of an event stream. */
export function eventStream(events: readonly object[]): Response {
  const text = events.map(
    (event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`,
  )
  return new Response(text.join(''), { headers: { 'content-type': 'text/event-stream' } })
}
