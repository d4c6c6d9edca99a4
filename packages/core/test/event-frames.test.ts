import { EventStreamCodec } from '@smithy/eventstream-codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventFrames } from '../src/call/http/event-frames.ts'
import { cutAt, startFramed } from './framed.ts'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
)

function frame(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
  const typed = Object.entries(headers).map(([name, value]) => [
    name,
    { type: 'string' as const, value },
  ])
  return codec.encode({
    headers: {
      ':date': { type: 'timestamp', value: new Date(0) },
      flag: { type: 'boolean', value: true },
      blob: { type: 'binary', value: new Uint8Array(3) },
      ...(Object.fromEntries(typed) as Record<string, { type: 'string'; value: string }>),
    },
    body: Buffer.from(payload),
  })
}

const event = (type: string, payload: object) =>
  frame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(payload),
  )

const makers = { type: 'content_block_delta', delta: { text: 'ü漢' } }
const frames = [
  event('messageStart', { role: 'assistant', p: 'abcdefgh' }),
  event('contentBlockDelta', { delta: { text: 'ü漢' }, contentBlockIndex: 0 }),
  event('chunk', { bytes: Buffer.from(JSON.stringify(makers)).toString('base64'), p: 'abc' }),
  frame({ ':event-type': 'initial-response', ':message-type': 'event' }, ''),
  frame({ ':event-type': 'messageStop', ':message-type': 'event' }, 'no JSON'),
  frame(
    { ':exception-type': 'throttlingException', ':message-type': 'exception' },
    '{"message":"Too many"}',
  ),
  frame({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'x' }, ''),
]
const body = Buffer.concat(frames)

const expected = [
  { messageStart: { role: 'assistant', p: 'abcdefgh' } },
  { contentBlockDelta: { delta: { text: 'ü漢' }, contentBlockIndex: 0 } },
  { chunk: { bytes: Uint8Array.from(Buffer.from(JSON.stringify(makers))), p: 'abc' } },
  { throttlingException: { message: 'Too many' } },
  { error: { code: 'InternalError', message: 'x' } },
]

function eventsOf(pieces: readonly Uint8Array[]): unknown[] {
  const seen: unknown[] = []
  const cut = new EventFrames({
    event: (shown) => void seen.push(shown),
    lost: () => void seen.push('lost'),
  })
  for (const piece of pieces) {
    cut.push(piece)
    // The memory of what was pushed is used again.
    piece.fill(0)
  }
  return seen
}

test('frames are events however the bytes were cut', () => {
  expect(eventsOf([Uint8Array.from(body)])).toEqual(expected)
  fc.assert(
    fc.property(fc.array(fc.nat(body.length), { maxLength: 20 }), (cuts) => {
      expect(eventsOf(cutAt(body, cuts).map((piece) => Uint8Array.from(piece)))).toEqual(expected)
    }),
  )
})

test('bytes that are no frames are told once, and read no more', () => {
  const text = Buffer.from('{"message":"a proxy answers JSON under this type"}')
  expect(eventsOf([Buffer.concat([frames[0]!, text]), Buffer.from(frames[1]!)])).toEqual([
    expected[0],
    'lost',
  ])
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 200 }), (bytes) => {
      expect(eventsOf([bytes])).toEqual(['lost'])
    }),
  )
})

test('headers that are broken name no event', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (headers) => {
      const view = new DataView(new ArrayBuffer(12))
      const whole = codec.encode({ headers: {}, body: Buffer.concat([headers, Buffer.from('{}')]) })
      view.setUint32(0, whole.length)
      view.setUint32(4, headers.length)
      const bytes = Buffer.concat([new Uint8Array(view.buffer), whole.subarray(12)])
      bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
      eventsOf([bytes])
    }),
  )
})

function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

test('a streamed answer of AWS is read frame by frame, and passed on byte for byte', async () => {
  const sent = Buffer.concat([body, event('usage', { input: 5, output: 3 })])
  await using run = await startFramed((request, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    for (const piece of cutAt(sent, [5, 100, 300])) response.write(piece)
    response.end()
  })
  const bytes = await (await run.fetch(run.url)).arrayBuffer()
  expect(Buffer.from(bytes).equals(sent)).toBe(true)
  expect(run.events).toEqual([...expected, { usage: { input: 5, output: 3 } }])
  expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
  expect(run.errors).toEqual([])
})
