import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutAt } from '../../../test/framed.ts'
import { JsonOutline } from './json-outline.ts'

const limits = { keptWhole: 10, longestString: 20, longestOutline: 2000 }

function outline(pieces: readonly (string | Uint8Array)[], given = limits): string | undefined {
  const kept = new JsonOutline(given)
  const decoder = new TextDecoder()
  for (const piece of pieces) {
    kept.push(typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true }))
  }
  return kept.text
}

/** What an outline has to have: every key, every short value, the beginning of what is long. */
function expected(value: unknown): unknown {
  if (typeof value === 'string') return JSON.stringify(value).length <= 20 ? value : 'cut'
  if (!Array.isArray(value)) {
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expected(item)]))
  }
  let numbers = 0
  return value
    .filter((item) => (numbers = typeof item === 'number' ? numbers + 1 : 0) <= 16)
    .map(expected)
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return JSON.stringify(value).length <= 20 ? value : 'cut'
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]))
}

const numbers = fc.array(
  fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  {
    maxLength: 40,
  },
)
const key = fc.string({ maxLength: 8 })
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    numbers,
    fc.constantFrom(null, true, false, 0, -1.5e-7, '\\', '"', '\u0001'.repeat(9), 'x"\\'.repeat(9)),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}))

describe('JsonOutline', () => {
  test('a text that is not long is kept as it is, whatever it is', () => {
    expect(outline(['{"a":', 'b'])).toBe('{"a":b')
  })

  test('is JSON without what makes it long, however it was cut', () => {
    fc.assert(
      fc.property(
        json.value,
        fc.array(fc.nat(), { maxLength: 9 }),
        fc.nat(2),
        (value, cuts, indent) => {
          const text = JSON.stringify([value, 'so that it is long'], null, indent)
          const bytes = new TextEncoder().encode(text)
          const places = cuts.map((cut) => cut % bytes.length)
          const kept = outline(cutAt(bytes, places), { ...limits, longestOutline: 1e6 })!
          expect(kept).toBe(outline([text], { ...limits, longestOutline: 1e6 }))
          expect(shown(JSON.parse(kept))).toEqual(expected(JSON.parse(text)))
        },
      ),
    )
  })

  test('vectors and images leave the usage behind them readable', () => {
    const vector = Array.from({ length: 3000 }, (_, index) => index / 7)
    const answer = {
      data: [{ embedding: vector }, { b64_json: 'A'.repeat(9000) }],
      usage: { total: 5 },
    }
    const kept = outline([JSON.stringify(answer)])!
    expect(kept.length).toBeLessThan(500)
    expect(JSON.parse(kept)).toMatchObject({
      data: [{ embedding: vector.slice(0, 16) }, {}],
      usage: { total: 5 },
    })
  })

  test('one that is too long is given up', () => {
    const many = JSON.stringify(Array.from({ length: 500 }, () => ({ a: 'b' })))
    expect(outline([many])).toBeUndefined()
  })
})
