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

function run(pieces: readonly string[]) {
  const seen: unknown[] = []
  const filter = new SseFilter({
    see(event) {
      seen.push(event)
      return (event as { hide?: boolean }).hide === true
    },
    shown(event) {
      const { usage: _, ...fields } = event as { usage?: null }
      return fields
    },
  })
  return { passed: pieces.map((piece) => filter.push(piece)).join('') + filter.flush(), seen }
}

describe('SseFilter', () => {
  test('hides events, takes null keys out, and passes everything else as it is', () => {
    expect(run([body]).passed).toBe(
      body
        .replace('data: {"hide":true}\n\n', '')
        .replace(',"usage":null', '')
        .replace('"usage":null,', ''),
    )
  })

  test('does the same however the text was cut', () => {
    const whole = run([body])
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 20 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), body.length]
        const pieces = places.slice(1).map((end, index) => body.slice(places[index], end))
        expect(run(pieces)).toEqual(whole)
      }),
    )
  })
})
