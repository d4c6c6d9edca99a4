/** Asked for its usage by the meter, a stream is the one that would have come without it, byte for byte. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { chatRequest, chatUsage, countedTokens } from './scripts.ts'

const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-5.4' }
const usage = JSON.stringify({ ...chunk, choices: [], usage: chatUsage })

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '"usage":null',
    ',"usage":null',
    '\\',
    '"',
    '\n\n',
    'data: [DONE]\n\n',
    '',
    '\u2028',
    '😀',
  ),
)

/** One event, as it comes with and without the usage that was asked for. */
const event = fc
  .record({
    text: words,
    end: fc.constantFrom(null, null, 'stop'),
    /** Where the null stands among the other members, or nowhere. */
    place: fc.integer({ min: 0, max: 6 }),
    blank: fc.constantFrom('', '', ' '),
    obfuscation: fc.constantFrom(undefined, 'aX', 'bcdef'),
    isTool: fc.boolean(),
  })
  .map(({ text, end, place, blank, obfuscation, isTool }) => {
    const delta = isTool
      ? { tool_calls: [{ index: 0, function: { arguments: text } }] }
      : { content: text }
    const members = Object.entries({
      ...chunk,
      choices: [{ index: 0, delta, finish_reason: end }],
      ...(obfuscation === undefined ? {} : { obfuscation }),
    }).map(([name, value]) => `"${name}":${blank}${JSON.stringify(value)}`)
    const without = `{${members.join(`,${blank}`)}}`
    const withNull = members.toSpliced(place, 0, `"usage":${blank}null`)
    return { without, with: place > members.length ? without : `{${withNull.join(`,${blank}`)}}` }
  })

const streams = fc.record({
  start: fc.constantFrom('', '', '\uFEFF: hello\n\n', '\uFEFF', ': hello\n\n'),
  events: fc.array(event, { maxLength: 12 }),
  newline: fc.constantFrom('\n', '\n', '\r\n', '\r'),
  space: fc.constantFrom(' ', ''),
  field: fc.constantFrom('', 'event: message', ': ping', 'id: 7'),
  usageAt: fc.integer({ min: 0, max: 12 }),
  done: fc.constantFrom('data: [DONE]', ''),
  tail: fc.constantFrom('', ': bye', 'data: {"cut'),
  cuts: fc.array(fc.nat(), { maxLength: 12 }),
  way: fc.constantFrom('pieces', 'text', 'bytes'),
})

function bodies(stream: typeof streams extends fc.Arbitrary<infer Value> ? Value : never) {
  // What stands right before the hidden event is hidden with it.
  const isFirst = stream.usageAt === 0 || stream.events.length === 0
  const start = isFirst && stream.start === '\uFEFF' ? '' : stream.start
  const { events, newline, space, field, done, tail } = stream
  const block = (json: string) =>
    (field === '' ? '' : field + newline) + `data:${space}${json}${newline}${newline}`
  const end = (done === '' ? '' : `${done}${newline}${newline}`) + tail
  const came = events.map((each) => block(each.with))
  came.splice(Math.min(stream.usageAt, came.length), 0, block(usage))
  return {
    came: Buffer.from(start + came.join('') + end),
    expected: Buffer.from(start + events.map((each) => block(each.without)).join('') + end),
  }
}

test('wherever the usage stands, and wherever the pieces end', { timeout: 120_000 }, async () => {
  const records: UsageRecord[] = []
  const said: string[] = []
  await using meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: ({ message }) => void said.push(message),
  })
  meter.on('usage', (record) => void records.push(record))
  let pieces: Uint8Array[] = []
  const send = async (): Promise<Response> =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece)
          controller.close()
        },
      }),
      { headers: { 'content-type': 'text/event-stream' } },
    )
  const metered = meter.fetch('cus_1', { fetch: send })
  const init = { method: 'POST', body: JSON.stringify({ ...chatRequest, stream: true }) }
  await fc.assert(
    fc.asyncProperty(streams, async (stream) => {
      records.length = 0
      said.length = 0
      const { came, expected } = bodies(stream)
      const cuts = [...stream.cuts.map((cut) => cut % (came.length + 1)), came.length].toSorted(
        (a, b) => a - b,
      )
      pieces = cuts.map((cut, index) => came.subarray(cuts[index - 1] ?? 0, cut))
      const response = await metered('https://api.openai.com/v1/chat/completions', init)
      if (stream.way === 'text') {
        expect(await response.text()).toBe(await new Response(expected).text())
      } else if (stream.way === 'bytes') {
        expect(Buffer.from(await response.arrayBuffer()).toString()).toBe(expected.toString())
      } else {
        const got: Uint8Array[] = []
        for await (const piece of response.body!) got.push(piece)
        expect(Buffer.concat(got).toString()).toBe(expected.toString())
      }
      expect(records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
      expect(said).toEqual([])
    }),
    { numRuns: Number(process.env['RUNS'] ?? 500) },
  )
})
