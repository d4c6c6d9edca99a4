import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter, memoryOutbox } from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import { cpuTime } from '../calls/measure/clock.ts'
import { collectYoung } from '../calls/measure/collect-young.ts'
import { type Figure, paired } from '../calls/measure/paired.ts'
import { type Api, streamEvents, wholeResponse } from '../calls/server/events.ts'
import { pieceAnswer, pullThrough, request, wholeAnswer } from './canned-fetch.ts'

/** What one subject takes over a bare `fetch`. */
export interface FetchRow {
  readonly subject: string
  readonly what: 'call' | 'chunk' | 'event'
  /** In µs for a call, else in ns. */
  readonly figure: Figure
}

type Fetch = typeof fetch

const calls = 200
const events = 2000
/** How many events are in one piece where those count, and not the pieces. */
const together = 100

interface Stream {
  readonly name: string
  readonly api: Api
  /** The caller does not ask for the usage, so that the meter does. */
  readonly isHidden?: boolean
}

const streams: readonly Stream[] = [
  { name: 'OpenAI chat', api: 'openai' },
  { name: 'OpenAI chat, usage hidden', api: 'openai', isHidden: true },
  { name: 'Anthropic messages', api: 'anthropic' },
  { name: 'Gemini', api: 'google' },
]

/** `meter.fetch` and a bare pull-through, each beside the `fetch` that both send by. */
export async function fetchRows(options: { readonly quick: boolean }): Promise<FetchRow[]> {
  const providers = [openaiProvider, anthropicProvider, googleProvider]
  const meter = createMeter({ providers, outbox: { ...memoryOutbox(), append: () => {} } })
  const kept = createMeter({ providers, outbox: memoryOutbox() })
  const metered = (send: Fetch) => meter.fetch('cus_1', { fetch: send })
  const recorded = (send: Fetch) => kept.fetch('cus_1', { fetch: send })
  const rows: FetchRow[] = []
  for (const [subject, wrap] of [
    ['raw (control)', (send: Fetch) => send],
    ['bare pull-through', pullThrough],
    ['meter.fetch, no outbox', metered],
    ['meter.fetch, memory outbox', recorded],
  ] as const) {
    rows.push({ subject, what: 'call', figure: await callCost(wrap, options.quick) })
  }
  for (const what of ['chunk', 'event'] as const) {
    const per = what === 'chunk' ? 1 : together
    const [first] = streams as [Stream]
    rows.push({
      subject: 'bare pull-through',
      what,
      figure: await streamCost(first, pullThrough, per, options.quick),
    })
    for (const stream of streams) {
      const figure = await streamCost(stream, metered, per, options.quick)
      rows.push({ subject: `meter.fetch, ${stream.name}`, what, figure })
    }
  }
  await meter.close()
  await kept.close()
  return rows
}

/** µs of CPU for a whole answer that is read as JSON. */
function callCost(wrap: (send: Fetch) => Fetch, quick: boolean): Promise<Figure> {
  const send = wholeAnswer(wholeResponse('openai'))
  const args = request('openai', {})
  const run = (used: Fetch) => async () => {
    const all = async (): Promise<void> => {
      for (let call = 0; call < calls; call++) await (await used(...args)).json()
    }
    return (await cpuTime(all)) / calls
  }
  return compared(run(send), run(wrap(send)), quick)
}

/** ns of CPU for each event of a stream, in pieces of so many. */
function streamCost(
  { api, isHidden = false }: Stream,
  wrap: (send: Fetch) => Fetch,
  per: number,
  quick: boolean,
): Promise<Figure> {
  const sent = streamEvents(api, events).map((event) => {
    const { type } = JSON.parse(event) as { type?: string }
    return `${api === 'anthropic' ? `event: ${type}\n` : ''}data: ${event}\n\n`
  })
  if (api === 'openai') sent.push('data: [DONE]\n\n')
  const encoder = new TextEncoder()
  const pieces = Array.from({ length: Math.ceil(sent.length / per) }, (_, index) =>
    encoder.encode(sent.slice(index * per, (index + 1) * per).join('')),
  )
  const send = pieceAnswer(pieces, 'text/event-stream; charset=utf-8')
  const args = request(api, {
    stream: true,
    ...(!isHidden && { stream_options: { include_usage: true } }),
  })
  const run = (used: Fetch) => async () => {
    const all = async (): Promise<void> => {
      const { body } = await used(...args)
      for await (const _ of body as AsyncIterable<Uint8Array>);
    }
    return ((await cpuTime(all)) / sent.length) * 1000
  }
  return compared(run(send), run(wrap(send)), quick)
}

function compared(
  raw: () => Promise<number>,
  subject: () => Promise<number>,
  quick: boolean,
): Promise<Figure> {
  const settle = () => {
    collectYoung()
    return Promise.resolve()
  }
  return paired({ pairs: 101, quick, raw, subject, settle })
}
