import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ArrayItems } from '../src/call/http/array-items.ts'
import { cutAt, startFramed } from './framed.ts'

const events = [
  { text: 'a "quoted\\" ]}[{ ü漢', parts: [[{ a: [] }], {}] },
  { text: 'two\nlines' },
  { usage: { input: 5, output: 3 } },
]
/** As Gemini writes it. */
const array = `[${events.map((event) => JSON.stringify(event, null, 2)).join('\n,\r\n')}]\n`
const json = { 'content-type': 'application/json; charset=UTF-8' }

test('the objects of an array are the same however it was cut', () => {
  const items = (pieces: readonly string[], longest?: number) => {
    const seen: unknown[] = []
    const cut = new ArrayItems(
      {
        item: (text) => void seen.push(JSON.parse(text)),
        tooLong: () => void seen.push('too long'),
      },
      longest,
    )
    for (const piece of pieces) cut.push(piece)
    expect(cut.isOver).toBe(true)
    return seen
  }
  const text = `[1, "[{", [{"a": 1}], ${array.slice(1)}`
  expect(items([text])).toEqual(events)
  expect(items([text], 50)).toEqual(['too long', events[1], 'too long'])
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((end, index) => text.slice(places[index], end))
      expect(items(pieces)).toEqual(events)
      expect(items(pieces, 50)).toEqual(items([text], 50))
    }),
  )
})

const reads: readonly (readonly [string, (response: Response) => Promise<unknown>])[] = [
  ['text', async (response) => JSON.parse(await response.text())],
  ['json', (response) => response.json()],
  [
    'arrayBuffer',
    async (response) => JSON.parse(Buffer.from(await response.arrayBuffer()).toString()),
  ],
  [
    'body',
    async ({ body }) => {
      const pieces: Uint8Array[] = []
      for await (const piece of body!) pieces.push(piece)
      return JSON.parse(Buffer.concat(pieces).toString())
    },
  ],
]

test.each(reads)('an array of a streaming endpoint, read by %s', async (_, read) => {
  await using run = await startFramed((request, response) => {
    response.writeHead(200, json)
    const pieces = cutAt(Buffer.from(` \n${array}`), [1, 9, 30, 31, 80])
    for (const [index, piece] of pieces.entries())
      setTimeout(() => response.write(piece), index * 5)
    setTimeout(() => response.end(), pieces.length * 5)
  })
  expect(await read(await run.fetch(run.url))).toEqual(events)
  expect(run.events).toEqual(events)
  expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
  expect(run.errors).toEqual([])
})

test.each(reads)('what is no array is a whole answer, read by %s', async (_, read) => {
  const answer = { items: [{ text: 'not one' }], usage: { input: 7, output: 2 } }
  await using run = await startFramed((request, response) => {
    response.writeHead(200, json).end(JSON.stringify(answer))
  })
  expect(await read(await run.fetch(run.url))).toEqual(answer)
  expect(run.events).toEqual([])
  expect(run.records).toMatchObject([{ tokens: { input: 7, output: 2 }, outcome: 'complete' }])
})

test('pieces go on as they come, and an array that is left is estimated', async () => {
  const pieces = [`[${JSON.stringify(events[0])}`, `,\n${JSON.stringify(events[1])}`]
  const sent: (() => void)[] = []
  await using run = await startFramed((request, response) => {
    response.writeHead(200, json).flushHeaders()
    sent.push(...pieces.map((piece) => () => void response.write(piece)))
  })
  const reader = (await run.fetch(run.url)).body!.getReader()
  for (const [index, piece] of pieces.entries()) {
    sent[index]?.()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(piece)
  }
  await reader.cancel()
  expect(run.events).toEqual(events.slice(0, 2))
  expect(run.records).toMatchObject([{ outcome: 'estimated' }])
})
