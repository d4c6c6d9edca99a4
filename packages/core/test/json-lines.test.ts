import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lines } from '../src/call/http/lines.ts'
import { cutAt, startFramed } from './framed.ts'

const events = [{ text: 'a ü漢' }, { text: 'two\nlines' }, { usage: { input: 5, output: 3 } }]
const [first, second, last] = events.map((event) => JSON.stringify(event))

test('lines are the same however the bytes were cut', () => {
  const body = new TextEncoder().encode(`${first}\r\n\n${second}\n{"broken\n\u001E${last}`)
  const lines = (pieces: readonly Uint8Array[], longest?: number) => {
    const seen: string[] = []
    const watch = {
      line: (text: string) => void seen.push(text),
      tooLong: () => void seen.push('too long'),
    }
    const cut = new Lines(watch, longest)
    for (const piece of pieces) cut.push(piece)
    cut.flush()
    return seen
  }
  expect(lines([body])).toEqual([first, '', second, '{"broken', last])
  expect(lines([body], 20)).toEqual([first, '', 'too long', '{"broken', 'too long'])
  fc.assert(
    fc.property(
      fc.array(fc.nat(body.length), { maxLength: 20 }),
      fc.constantFrom(20, undefined),
      (cuts, longest) => {
        expect(lines(cutAt(body, cuts), longest)).toEqual(lines([body], longest))
      },
    ),
  )
})

const usual = `${first}\n${second}\n${last}\n`
const bodies: readonly (readonly [string, string, string, readonly unknown[]])[] = [
  ['as Ollama sends it', 'application/x-ndjson', usual, events],
  ['with a charset', 'application/jsonl; charset=utf-8', usual, events],
  ['other ends of lines', 'application/ndjson', usual.replaceAll('\n', '\r\n'), events],
  ['no end of the last line', 'application/x-ndjson', usual.trimEnd(), events],
  ['marks before each', 'application/json-seq', usual.replaceAll('{"t', '\u001E{"t'), events],
  [
    'a broken line',
    'application/x-ndjson',
    `${first}\n{"text\n\n1\n${last}\n`,
    [events[0], events[2]],
  ],
]

test.each(bodies)('%s: each line is an event', async (_, type, body, expected) => {
  await using run = await startFramed((request, response) => {
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  const response = await run.fetch(run.url)
  expect(await response.text()).toBe(body)
  expect(run.events).toEqual(expected)
  expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
  expect(run.errors).toEqual([])
})

test('bytes go on as they come, whether a line has ended or not', async () => {
  const pieces = [`${first}\n{"te`, `xt":"b"}\n`, `${last}\n`]
  const sent: (() => void)[] = []
  await using run = await startFramed((request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    sent.push(...pieces.map((piece) => () => void response.write(piece)))
    response.flushHeaders()
  })
  const reader = (await run.fetch(run.url)).body!.getReader()
  for (const [index, piece] of pieces.entries()) {
    sent[index]?.()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(piece)
  }
  // The last word was said: nobody reads on, and nobody cancels.
  expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
})

test('a stream that is left before its last line is estimated', async () => {
  await using run = await startFramed((request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${first}\n`)
  })
  const reader = (await run.fetch(run.url)).body!.getReader()
  await reader.read()
  await reader.cancel()
  expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
  expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
})
