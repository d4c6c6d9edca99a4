import { describe, expect, test } from 'vitest'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { chatRequest, chatScript, responseScript, toolCallCompletion } from './scripts.ts'
import { type Answer, type Side, sideBySide } from './side-by-side.ts'
import { sdkMajors } from './sdk-majors.ts'

type Work = (side: Side) => unknown
type Expectation = [what: string, work: Work, body: string | readonly string[]]

const data = (...events: readonly unknown[]) =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
/** As the provider sends them to who does not ask for usage. */
const plain = chatScript.slice(0, -1)
const done = 'data: [DONE]\n\n'
const request = { ...chatRequest, stream: true } as const
const toolCalls = toolCallCompletion.choices[0]?.message.tool_calls

/** Chat's helpers, which SDK 4 has under `beta`. */
const helpers = ({ client }: Side) => {
  const { beta } = client as unknown as { beta: { chat?: typeof client.chat } }
  return (beta.chat ?? client.chat).completions
}

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

const chunks: Work = async ({ client }) => all(await client.chat.completions.create(request))

/** Every event of a helper, by name, with what it was told. */
function heard(runner: object, names: readonly string[]): unknown[] {
  const log: unknown[] = []
  const { on } = runner as { on(name: string, listener: (...args: unknown[]) => void): void }
  for (const name of names) {
    on.call(runner, name, (...args) => log.push([name, JSON.stringify(args)]))
  }
  return log
}
const chatEvents = [
  'connect',
  'chunk',
  'content',
  'content.delta',
  'content.done',
  'message',
  'chatCompletion',
  'finalContent',
  'finalMessage',
  'finalChatCompletion',
  'totalUsage',
  'functionToolCall',
  'functionToolCallResult',
  'finalFunctionToolCall',
  'error',
  'abort',
  'end',
]

const expectations: Expectation[] = [
  ['chunks, in their order', chunks, data(...plain) + done],
  ['no [DONE]', chunks, data(...plain)],
  ['Windows line endings', chunks, (data(...plain) + done).replaceAll('\n', '\r\n')],
  ['comments and blank lines', chunks, `: hi\n\n\n${data(...plain)}: bye\n\n${done}`],
  ['data on several lines', chunks, `data: {"id":"x",\ndata: "choices":[]}\n\n${done}`],
  [
    'text of many bytes',
    chunks,
    data({ choices: [{ delta: { content: 'ü漢🎉 \u2028' } }] }) + done,
  ],
  ['an empty stream', chunks, done],
  ['an event that is no JSON', chunks, `${data(plain[0])}data: {nope\n\n${done}`],
  ['an event without data', chunks, `${data(plain[0])}event: ping\n\n${data(plain[1])}${done}`],
  [
    'an event with a name, an id and a retry',
    chunks,
    `event: x\nid: 7\nretry: 5\n${data(...plain)}`,
  ],
  [
    'lines of empty data inside an event',
    chunks,
    'data: {\ndata: "id":\ndata: \ndata:\ndata: "x"}\n\n',
  ],
  ['carriage returns alone', chunks, (data(...plain) + done).replaceAll('\n', '\r')],
  ['a byte order mark', chunks, `\uFEFF${data(...plain)}${done}`],
  ['what comes behind [DONE]', chunks, `${data(plain[0])}${done}${data(plain[1])}`],
  ['a last event that is not ended', chunks, `${data(plain[0])}data: {"id":"y"}`],
  ['no body', chunks, ''],
  ['an error event', chunks, data(plain[0], { error: { message: 'no', code: 'c' } })],
  ['a named error event', chunks, 'event: error\ndata: {"error":{"message":"no"}}\n\n'],
  ['odd chunks', chunks, data({}, { choices: null }, { choices: [null] }, { usage: 'x' }) + done],
  [
    'tee: both branches',
    async ({ client }) => {
      const stream = await client.chat.completions.create(request)
      return await Promise.all(stream.tee().map(all))
    },
    data(...plain) + done,
  ],
  [
    'a second iteration is refused',
    async ({ client }) => {
      const stream = await client.chat.completions.create(request)
      await all(stream)
      return await all(stream)
    },
    data(...plain) + done,
  ],
  [
    'the events of a chat helper',
    async (side) => {
      const runner = helpers(side).stream(chatRequest)
      const log = heard(runner, chatEvents)
      return [await runner.finalChatCompletion(), await runner.totalUsage(), log]
    },
    data(...plain) + done,
  ],
  [
    'the events of a chat helper that fails',
    async (side) => {
      const runner = helpers(side).stream(chatRequest)
      const log = heard(runner, chatEvents)
      const error = await runner.done().catch(String)
      return [error, runner.errored, runner.aborted, runner.ended, log]
    },
    data(plain[0], { error: { message: 'no' } }),
  ],
  [
    'a schema of zod, streamed',
    async (side) => {
      const format = zodResponseFormat(z.object({ a: z.number() }), 'answer')
      const runner = helpers(side).stream({ ...chatRequest, response_format: format } as never)
      const log = heard(runner, chatEvents)
      return [(await runner.finalChatCompletion()).choices[0]?.message, log]
    },
    data(...plain) + done,
  ],
  [
    'tools that run',
    async (side) => {
      const ran: unknown[] = []
      const weather = zodFunction({
        name: 'weather',
        parameters: z.object({}),
        function: (args) => {
          ran.push(args)
          return 'sunny'
        },
      })
      const runner = helpers(side).runTools({ ...request, tools: [weather] } as never)
      const log = heard(runner, chatEvents)
      return [await (runner as { finalContent(): unknown }).finalContent(), ran, log]
    },
    [
      data(
        { choices: [{ index: 0, delta: { role: 'assistant', content: null } }] },
        {
          choices: [
            { index: 0, delta: { tool_calls: toolCalls?.map((call) => ({ ...call, index: 0 })) } },
          ],
        },
        { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
      ) + done,
      data(...plain) + done,
    ],
  ],
  [
    'the events of a response',
    async ({ client }) => all(await client.responses.create({ ...input, stream: true })),
    data(...responseScript),
  ],
  [
    'the events of a response helper',
    async ({ client }) => {
      const stream = client.responses.stream(input)
      const log = heard(stream, [
        'event',
        'response.output_text.delta',
        'response.completed',
        'end',
      ])
      return [await stream.finalResponse(), log]
    },
    data(...responseScript),
  ],
]
const input = { model: 'm', input: 'x' }

describe.each(sdkMajors)('streams as the vendor expects of openai $major', ({ OpenAI }) => {
  test.each(expectations)('%s', async (_, work, body) => {
    const bodies = typeof body === 'string' ? [body] : body
    const answer: Answer = (_asked, attempt) =>
      new Response(bodies[attempt - 1], { headers: { 'content-type': 'text/event-stream' } })
    // What asks for usage is looked at elsewhere: here the requests are the same to the byte.
    const { raw, metered } = await sideBySide(OpenAI, work, answer)
    expect(withoutFlag(metered)).toEqual(withoutFlag(raw))
  })
})

/** Without the one thing in a request that is ours. */
function withoutFlag(outcome: unknown): unknown {
  const flag = '\\"stream_options\\":{\\"include_usage\\":true},'
  return JSON.parse(
    JSON.stringify(outcome)
      .replaceAll(flag, '')
      .replaceAll(/"content-length":"\d+"/g, '"content-length":""'),
  )
}
