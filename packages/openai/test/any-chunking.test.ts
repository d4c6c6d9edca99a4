import fc from 'fast-check'
import OpenAI from 'openai'
import OpenAI5 from 'openai5'
import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { chatRequest, chatScript, responseScript } from './scripts.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

type Open = (client: SdkClient) => Promise<AsyncIterable<unknown>>

const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11 }
const file = new File(['x'], 'x.mp3')

/** The endpoints that stream: their events, and how they are asked for. */
const streams: [name: string, events: readonly object[], open: Open][] = [
  [
    'chat',
    chatScript,
    (client) => client.chat.completions.create({ ...chatRequest, stream: true }),
  ],
  [
    'responses',
    responseScript,
    (client) => client.responses.create({ model: 'm', input: 'x', stream: true }),
  ],
  [
    'images',
    [
      { type: 'image_generation.partial_image', b64_json: 'AAAA' },
      { type: 'image_generation.completed', b64_json: 'ü漢🎉', usage },
    ],
    (client) => client.images.generate({ model: 'gpt-image-2', prompt: 'x', stream: true }),
  ],
  [
    'transcription',
    [
      { type: 'transcript.text.delta', delta: 'ü漢🎉' },
      { type: 'transcript.text.done', text: 'ü漢🎉', usage },
    ],
    (client) => client.audio.transcriptions.create({ model: 'm', file, stream: true }),
  ],
  [
    'speech',
    [
      { type: 'speech.audio.delta', audio: 'AAAA' },
      { type: 'speech.audio.done', usage },
    ],
    async (client) => {
      const response = await client.audio.speech.create({
        model: 'gpt-4o-mini-tts',
        voice: 'alloy',
        input: 'x',
        stream_format: 'sse',
      })
      return response.body as unknown as AsyncIterable<unknown>
    },
  ],
]

/** A metered client whose provider sends these pieces, and what was recorded. */
function metered(Sdk: SdkClass, pieces: () => readonly Uint8Array[], fails = false) {
  const records: UsageRecord[] = []
  const errors: unknown[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const fetch = async (url: unknown) => {
    if (String(url).startsWith('data:')) return new Response('')
    const left = [...pieces()]
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const piece = left.shift()
          if (piece !== undefined) controller.enqueue(piece)
          else if (fails) controller.error(new Error('socket hang up'))
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const client = new Sdk({ apiKey: 'k', maxRetries: 0, fetch } as never)
  return { client: meter(client, 'cus_1'), records, errors }
}

function wire(
  events: readonly object[],
  { newline = '\n', comments = false, isWhole = true } = {},
): Uint8Array {
  const blocks = events.map((event) => {
    const { type } = event as { type?: string }
    const name = type === undefined ? '' : `event: ${type}${newline}`
    const comment = comments ? `: keepalive${newline}${newline}` : ''
    return `${comment}${name}data: ${JSON.stringify(event)}${newline}${newline}`
  })
  if (isWhole) blocks.push(`data: [DONE]${newline}${newline}`)
  return new TextEncoder().encode(blocks.join(''))
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((place) => place % bytes.length), bytes.length]
  places.sort((a, b) => a - b)
  const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end))
  return pieces.filter(({ length }) => length > 0)
}

/** Without what is different each time. */
const facts = (records: readonly UsageRecord[]) =>
  records.map((record) => ({ ...record, id: undefined, at: undefined }))

describe.each([
  { major: 5, Sdk: OpenAI5 as unknown as SdkClass },
  { major: 7, Sdk: OpenAI as SdkClass },
])('openai $major', ({ Sdk }) => {
  test.each(streams)(
    '%s: any cutting of the bytes gives the same record',
    async (_, events, open) => {
      const read = async (pieces: readonly Uint8Array[]) => {
        const run = metered(Sdk, () => pieces)
        for await (const _event of await open(run.client));
        return facts(run.records)
      }
      const whole = await read([wire(events)])
      expect(whole).toHaveLength(1)
      expect(whole).toMatchObject([{ outcome: 'complete', customer: 'cus_1' }])
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(), { maxLength: 12 }),
          fc.constantFrom('\n', '\r\n'),
          fc.boolean(),
          async (cuts, newline, comments) => {
            expect(await read(cut(wire(events, { newline, comments }), cuts))).toEqual(whole)
          },
        ),
        { numRuns: 40 },
      )
    },
  )

  test.each(streams)('%s: however it ends, one record', async (_, events, open) => {
    const end = fc.constantFrom('break', 'abort', 'fail', 'finish', 'return twice')
    await fc.assert(
      fc.asyncProperty(
        end,
        fc.nat(events.length),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (how, after, cuts) => {
          const sent = how === 'fail' ? events.slice(0, Math.max(1, after)) : events
          const run = metered(
            Sdk,
            () => cut(wire(sent, { isWhole: how !== 'fail' }), cuts),
            how === 'fail',
          )
          const stream = await open(run.client)
          const iterator = stream[Symbol.asyncIterator]()
          try {
            for (let read = 0; how === 'fail' || how === 'finish' || read <= after; read++) {
              if ((await iterator.next()).done === true) break
              const { controller } = stream as { controller?: AbortController }
              if (how === 'abort' && read === after) controller?.abort()
            }
            await iterator.return?.()
            if (how === 'return twice') await iterator.return?.()
          } catch (error) {
            expect(how).toBe('fail')
            expect(String(error)).toMatch(/hang up/)
          }
          expect(run.records).toHaveLength(1)
          // How the caller leaves is no fault.
          expect(run.errors).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  })
})
