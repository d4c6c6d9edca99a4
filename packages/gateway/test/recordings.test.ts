import { type Recording, recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { afterAll, describe, expect, test } from 'vitest'
import { comparable, rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import {
  asExpected,
  billedRows,
  encoded,
  encodedEvents,
  type Encoding,
  encodings,
  recordedAnswer,
  recordedRequest,
} from './recorded.ts'
import { startGateway } from './running.ts'

const isAbsent = recordingsAreAbsent()

/** What is sent for a request, by the mark in its headers. */
const replies = new Map<string, { bytes: Buffer; pieceLength: number }>()
const upstream = await startRawUpstream(async (socket, request) => {
  const mark = request.headers.find(([name]) => name === 'X-Mark')?.[1] ?? ''
  const { bytes, pieceLength } = replies.get(mark) ?? { bytes: Buffer.alloc(0), pieceLength: 1 }
  // Of a status line in two pieces, undici forgets the first one's part of the reason.
  const lineEnd = bytes.indexOf('\n') + 1
  socket.write(bytes.subarray(0, lineEnd))
  for (let at = lineEnd, length = pieceLength; at < bytes.length; at += length) {
    if (pieceLength < bytes.length) await new Promise(setImmediate)
    const isMiddle = at > lineEnd + 1200 && at < bytes.length - 600
    length = isMiddle ? 60 * pieceLength : pieceLength
    socket.write(bytes.subarray(at, at + length))
  }
})
const running = await startGateway(upstream.url)
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

/** Headers that a proxy spoils that is not made for them: twice, in capitals, in an order, with bytes above ASCII. */
const odd = [
  ['Date', 'Mon, 30 Nov 2026 00:00:00 GMT'],
  ['Set-Cookie', 'a=1; Path=/'],
  ['X-Odd-CASE', 'caf\u00e9'],
  ['set-cookie', 'b=2'],
  ['openai-processing-ms', '12'],
  ['X-Odd-Case', 'second'],
] as const

let marks = 0

/** The answer straight from the upstream, and through the gateway. */
async function bothWays(
  recording: Recording,
  encoding: Encoding,
  framing: 'whole' | 'chunked',
  pieceLength: number,
) {
  const mark = `m${++marks}`
  const { type, events } = recordedAnswer(recording, mark)
  const headers = [
    ...odd,
    ['Content-Type', type] as const,
    ...(encoding === 'identity' ? [] : [['Content-Encoding', encoding] as const]),
  ]
  const body =
    framing === 'whole'
      ? encoded(Buffer.concat(events), encoding)
      : await encodedEvents(events, encoding)
  replies.set(mark, { bytes: rawReply(body, headers), pieceLength })
  const { path, body: asked } = recordedRequest(recording)
  const request = rawRequest({
    path,
    headers: [
      ['X-Mark', mark],
      ['Content-Type', 'application/json'],
      ['Accept-Encoding', 'gzip, br, zstd, deflate'],
      ['Authorization', 'Bearer tm-any'],
    ],
    body: asked,
  })
  const before = running.records.length
  const direct = await rawCall(upstream.port, request)
  const through = await rawCall(running.port, request)
  await running.entry(running.entries.length)
  const records = running.records.slice(before).map(asExpected)
  return { direct: comparable(direct), through: comparable(through), records }
}

test.each(isAbsent ? [] : recordings())('$name, in any encoding', async (recording) => {
  for (const encoding of encodings) {
    const framing = recording.stream ? 'chunked' : 'whole'
    const { direct, through, records } = await bothWays(recording, encoding, framing, Infinity)
    expect(through).toEqual(direct)
    expect(direct.isWhole).toBe(true)
    expect(records).toEqual(billedRows(recording))
  }
})

/** The shortest of each endpoint, its beginning and its end byte by byte, which takes its time. */
const shortest = [
  ...Map.groupBy(isAbsent ? [] : recordings(), ({ endpoint, stream }) => `${endpoint} ${stream}`),
].map(
  ([, group]) =>
    group.toSorted(
      (one, other) =>
        Buffer.concat(recordedAnswer(one, '').events).length -
        Buffer.concat(recordedAnswer(other, '').events).length,
    )[0] as Recording,
)

describe.each(encodings)('byte by byte, %s', (encoding) => {
  test.each(shortest)('$name', async (recording) => {
    const framing = recording.stream ? 'chunked' : 'whole'
    const { direct, through, records } = await bothWays(recording, encoding, framing, 1)
    expect(through).toEqual(direct)
    expect(records).toEqual(billedRows(recording))
  })
})

test.each(shortest)('$name, in seven bytes, and the other framing', async (recording) => {
  const framing = recording.stream ? 'whole' : 'chunked'
  const { direct, through, records } = await bothWays(recording, 'identity', framing, 7)
  expect(through).toEqual(direct)
  expect(records).toEqual(billedRows(recording))
})
