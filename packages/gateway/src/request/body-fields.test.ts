import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonFields, namedModels, repeatedField } from './body-fields.ts'

const runs = { numRuns: 300 * Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) }
const watched = new Set(['model', 'user', 'stream'])

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
    fc.constantFrom('"\\\\"', '"\\""', '{"model":{"user":"}"}}', '[{"model":1},"]"]', '-1.5e3'),
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
        const text = `${start}{${body}${start}}`
        JSON.parse(text)
        const seen = new Set<string>()
        const twice = members.find(({ name }) => {
          const isTwice = watched.has(name) && seen.has(name)
          seen.add(name)
          return isTwice
        })
        expect(repeatedField(Buffer.from(text), watched)).toBe(twice?.name)
      }),
      runs,
    )
  })

  test('are looked for fast in what is long', () => {
    const text = JSON.stringify({ model: 'm', image: 'a'.repeat(2 ** 24), user: 'u' })
    expect(repeatedField(Buffer.from(text), watched)).toBeUndefined()
    expect(repeatedField(Buffer.from(`${text.slice(0, -1)},"user":1}`), watched)).toBe('user')
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
  expect(namedModels(fields, 'p')).toEqual(['p', 'a', 'b', 'c', 'd', 'e', 'f'])
  expect(namedModels({ model: 5, models: 'x' }, undefined)).toEqual([])
})
