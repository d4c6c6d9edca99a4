import { describe, expect, test } from 'vitest'
import { message, messageScript, request, streamed, toolUseScript } from '../scripts.ts'
import { type SdkClient, sdkMajors } from '../sdk-majors.ts'
import { eventStream, outcomeOf, type Fetch, sideBySide } from './side-by-side.ts'

const errorEvent = { type: 'error', error: { type: 'overloaded_error', message: 'm' } }
const events = messageScript as readonly object[]
const always = (answer: () => Response) => (): Fetch => async () => answer()

/** A body that ends in an error after the given events, or never ends. */
function cutOff(after: number, end: 'error' | 'never'): Response {
  const text = eventStream(events.slice(0, after)).text()
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(await text))
      if (end === 'error') setTimeout(() => controller.error(new Error('lost')), 5)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

const names = [
  'connect',
  'streamEvent',
  'text',
  'inputJson',
  'message',
  'contentBlock',
  'finalMessage',
  'error',
  'abort',
  'end',
] as const

/** Everything a helper stream tells, in its order. */
async function told(
  client: SdkClient,
  kind: 'messages' | 'beta',
  act?: (stream: Helper) => unknown,
) {
  const stream: unknown =
    kind === 'messages' ? client.messages.stream(request) : client.beta.messages.stream(request)
  return await toldBy(stream as Helper, act)
}

async function toldBy(stream: Helper, act?: (stream: Helper) => unknown) {
  const heard: unknown[] = []
  for (const name of names) {
    stream.on(name, (...args) => {
      heard.push([
        name,
        ...args.map((arg) => (arg instanceof Error ? String(arg) : JSON.stringify(arg))),
      ])
    })
  }
  const acted = act && (await outcomeOf(() => act(stream)))
  const ends = [
    await outcomeOf(() => stream.finalMessage()),
    await outcomeOf(() => stream.finalText()),
    await outcomeOf(() => stream.done()),
  ]
  const { ended, errored, aborted, request_id, receivedMessages, messages } = stream
  return JSON.stringify([
    heard,
    acted,
    ends,
    ended,
    errored,
    aborted,
    request_id,
    receivedMessages,
    messages,
  ])
}

interface Helper extends AsyncIterable<unknown> {
  on(name: string, listener: (...args: unknown[]) => void): this
  emitted(name: string): Promise<unknown>
  abort(): void
  finalMessage(): Promise<unknown>
  finalText(): Promise<string>
  done(): Promise<void>
  toReadableStream(): ReadableStream
  withResponse(): Promise<{ data: unknown; response: Response; request_id: string | null }>
  readonly ended: boolean
  readonly errored: boolean
  readonly aborted: boolean
  readonly request_id: unknown
  readonly receivedMessages: unknown
  readonly messages: unknown
}

const answers: readonly [what: string, answer: () => Response][] = [
  ['a message', () => eventStream(events)],
  ['a tool use', () => eventStream(toolUseScript)],
  [
    'pings and what nobody knows',
    () => eventStream([{ type: 'ping' }, events[0]!, { type: 'later' }, ...events.slice(1)]),
  ],
  ['no stop', () => eventStream(events.slice(0, -1))],
  ['no delta', () => eventStream([...events.slice(0, -2), events.at(-1)!])],
  ['no start', () => eventStream(events.slice(1))],
  ['an error at once', () => eventStream([errorEvent])],
  ['an error on the way', () => eventStream([...events.slice(0, 4), errorEvent])],
  ['an error behind the delta', () => eventStream([...events.slice(0, -1), errorEvent])],
  ['a lost connection', () => cutOff(4, 'error')],
  ['no event', () => eventStream([])],
  ['an error of the API', () => Response.json({ error: { message: 'no' } }, { status: 401 })],
]

const acts: readonly [how: string, act: ((stream: Helper) => unknown) | undefined][] = [
  ['listened to', undefined],
  [
    'iterated',
    async (stream) => {
      const seen: unknown[] = []
      for await (const event of stream) seen.push(event)
      return seen
    },
  ],
  [
    'left',
    async (stream) => {
      for await (const _ of stream) break
    },
  ],
  [
    'aborted',
    async (stream) => {
      await stream.emitted('connect')
      stream.abort()
    },
  ],
  ['read as bytes', async (stream) => await new Response(stream.toReadableStream()).text()],
  [
    'asked for one event after the other',
    async (stream) => {
      const ended = stream.emitted('end').then(() => 'ended')
      const next = (name: string) => Promise.race([stream.emitted(name), ended])
      return [await next('text'), await next('text'), await next('message')]
    },
  ],
  [
    'asked for its response',
    async (stream) => {
      const { data, response, request_id } = await stream.withResponse()
      return [data === stream, response.status, request_id]
    },
  ],
]

describe.each(sdkMajors)('the streams of $version, raw and metered', ({ version, Anthropic }) => {
  test.each(answers)('the helper tells the same of %s', async (_, answer) => {
    for (const [how, act] of acts) {
      // An iterator that is left before the connection fails leaves an unhandled error, raw as metered.
      if (how === 'left' && !answer().ok) continue
      for (const kind of ['messages', 'beta'] as const) {
        const { records } = await sideBySide(
          Anthropic,
          ({ client }) => told(client, kind, act),
          {},
          always(answer),
        )
        expect(records.length).toBeLessThan(2)
      }
    }
  })

  test.each(answers)('a stream of events is read the same: %s', async (_, answer) => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client }) => {
        const seen: unknown[] = []
        const ask = () => client.messages.create(streamed)
        const read = async (stream: AsyncIterable<unknown>) => {
          for await (const event of stream) seen.push(event)
        }
        const outcomes = [
          await outcomeOf(async () => await read(await ask())),
          await outcomeOf(async () => await Promise.all((await ask()).tee().map(read))),
          await outcomeOf(async () => await new Response((await ask()).toReadableStream()).text()),
          await outcomeOf(async () => {
            const stream = await ask()
            const iterator = stream[Symbol.asyncIterator]()
            await iterator.next()
            const left = [await iterator.return?.(), await iterator.next()]
            return [left, stream.controller.signal.aborted]
          }),
        ]
        return JSON.stringify([seen, outcomes])
      },
      {},
      always(answer),
    )
    expect(records.length).toBeLessThanOrEqual(4)
  })

  test('a stream that hangs ends by its controller, by break and by the signal of the caller', async () => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client }) => {
        const outcomes: unknown[] = []
        for (const way of ['controller', 'break', 'signal'] as const) {
          const { signal, ...caller } = newController()
          const stream = await client.messages.create(streamed, { signal })
          let seen = 0
          outcomes.push(
            await outcomeOf(async () => {
              for await (const _ of stream) {
                if (++seen < 3) continue
                if (way === 'controller') stream.controller.abort()
                else if (way === 'signal') caller.abort()
                else break
              }
            }),
            [seen, stream.controller.signal.aborted],
          )
        }
        return outcomes
      },
      {},
      () =>
        async (_, { signal }) => {
          const response = cutOff(3, 'never')
          const body = response.body!.getReader()
          const abortable = new ReadableStream({
            start: (controller) =>
              signal!.addEventListener('abort', () => {
                controller.error(new DOMException('aborted', 'AbortError'))
              }),
            async pull(controller) {
              const { value } = await body.read()
              if (value !== undefined) controller.enqueue(value)
            },
          })
          return new Response(abortable, { headers: { 'content-type': 'text/event-stream' } })
        },
    )
    expect(records).toHaveLength(3)
    expect(records.every(({ outcome }) => outcome === 'estimated')).toBe(true)
  })

  test.skipIf(version === 0.6)('parse: the output, and what cannot be parsed', async () => {
    const format = {
      type: 'json_schema' as const,
      schema: {},
      parse: (text: string) => JSON.parse(text) as unknown,
    }
    const broken = { ...message, content: [{ type: 'text', text: '{' }] }
    for (const answer of [message, broken]) {
      const { records } = await sideBySide(
        Anthropic,
        async ({ client }) => {
          const asked = client.messages.parse({ ...request, output_config: { format } } as never)
          return [asked.constructor.name, await outcomeOf(async () => (await asked).parsed_output)]
        },
        {},
        always(() => Response.json(answer)),
      )
      expect(records).toHaveLength(1)
    }
  })
})

function newController(): { signal: AbortSignal; abort(): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
