import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonFields, namedModels, repeatedField } from './body-fields.ts'

const runs = { numRuns: 300 * Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) }

/** Names as a writer may write them: plain, or with any of their characters escaped. */
const written = (name: string, escapes: readonly boolean[]) =>
  `"${[...name]
    .map((character, index) => {
      if (escapes[index % escapes.length] === false) return character
      return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
    })
    .join('')}"`

const blank = fc.constantFrom('', ' ', '\n', '\t\r\n ')
const name = fc.constantFrom('model', 'user', 'stream', 'models', 'input', 'User', '')
const member = fc.record({
  name,
  escapes: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  value: fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom(
      '{"user":1,"us\\u0065r":2}',
      '":"',
      '"\\\\"',
      '"\\""',
      '{"model":{"user":"}"}}',
      '[{"model":1},"]"]',
      '-1.5e3',
    ),
  ),
  blank,
})

describe('fields that are there twice', () => {
  test('are found, however they are written, and whatever stands between', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), blank, (members, start) => {
        const body = members
          .map(({ name, escapes, value, blank }) => {
            return `${blank}${written(name, escapes)}${blank}:${blank}${value}${blank}`
          })
          .join(',')
        const text = `[1,{"n":${start}{${body}${start}}}]`
        const seen = new Set<string>()
        const isTwice = members.some(({ name, value }) => {
          const isSeen = seen.has(name) || value.startsWith('{"user":1,"us')
          seen.add(name)
          return isSeen
        })
        const found = repeatedField(Buffer.from(text), JSON.parse(text))
        expect(found !== undefined).toBe(isTwice)
      }),
      runs,
    )
  })

  test('are looked for fast in what is long, and as deep as it is', () => {
    const twiceIn = (text: string) => repeatedField(Buffer.from(text), JSON.parse(text))
    const text = JSON.stringify({ model: 'm', image: 'a'.repeat(2 ** 24), user: 'u' })
    expect(twiceIn(text)).toBeUndefined()
    expect(twiceIn(`${text.slice(0, -1)},"user":1}`)).toBe('user')
    const deep = `${'{"a":'.repeat(200_000)}{"b":1,"b":2}${'}'.repeat(200_000)}`
    expect(twiceIn(deep)).toBe('a field')
  })
})

test('a byte order mark is none of a body', () => {
  expect(jsonFields(Buffer.from('\uFEFF{"model":"m"}'))).toEqual({ model: 'm' })
})

test('models are found wherever they are named', () => {
  const fields = {
    model: 'models/a',
    models: ['b'],
    fallbacks: [{ model: 'c' }],
    tools: [{ type: 'image_generation', model: 'd' }, null],
    requests: [{ params: { model: 'e' } }, { model: 'models/f', params: null }],
  }
  expect(namedModels(fields, 'p')).toEqual({
    all: ['p', 'a', 'b', 'e', 'f', 'c', 'd'],
    isComplete: true,
  })
  expect(namedModels({ model: 5, models: 'x' }, undefined)).toEqual({ all: [], isComplete: false })
})

test.each([
  ['of a tool alone', { prompt: { id: 'p' }, tools: [{ model: 'a' }] }, false],
  ['of a file', { input_file_id: 'file-1', model: 'a' }, false],
  ['of an agent', { agent: 'a' }, true],
  ['of each of several', { requests: [{ params: { model: 'a' } }] }, true],
  ['of some of several', { requests: [{ params: { model: 'a' } }, { params: {} }] }, false],
])('whether what a call runs on is named: %s', (_, fields, isComplete) => {
  expect(namedModels(fields, undefined)).toEqual({ all: ['a'], isComplete })
})
