import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SseFilter } from './sse-filter.ts'

const body = [
  ': a comment',
  'event: first\ndata: {"a":1,"usage":null}',
  'data: {"text":"ü漢\\n\\n"}\r\ndata:  ',
  'data: {"hide":true}',
  'data: {"usage":null,"b":2}',
  'data: [DONE]',
  'data: not json',
].join('\n\n')

const bytes = new TextEncoder().encode(body)

function run(pieces: readonly Uint8Array[]) {
  const seen: unknown[] = []
  const filter = new SseFilter({
    push(event) {
      seen.push(event)
      const { usage: _, hide, ...fields } = event as { usage?: null; hide?: boolean }
      return hide === true ? undefined : fields
    },
  })
  const passed = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.flush()])
  return { passed, seen }
}

describe('SseFilter', () => {
  test('hides events, takes null keys out, and passes everything else as it is', () => {
    expect(run([bytes]).passed.toString()).toBe(
      body
        .replace('data: {"hide":true}\n\n', '')
        .replace(',"usage":null', '')
        .replace('"usage":null,', ''),
    )
  })

  test('does the same however the bytes were cut', () => {
    const whole = run([bytes])
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end))
        expect(run(pieces)).toEqual(whole)
      }),
    )
  })

  test('keeps bytes that are no UTF-8, also in an event that it changes', () => {
    const broken = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('","usage":null}\n\n'),
    ])
    const expected = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}\n\n'),
    ])
    expect(run([broken]).passed).toEqual(expected)
  })

  test.each(['\n\n', '\r\n\r\n', '\r\r'])('ends an event at %j', (end) => {
    const { passed, seen } = run(
      [...`data: {"a":1}${end}data: {"b":2}${end}`].map((c) => Buffer.from(c)),
    )
    expect(passed.toString()).toBe(`data: {"a":1}${end}data: {"b":2}${end}`)
    expect(seen).toEqual([{ a: 1 }, { b: 2 }])
  })
})
