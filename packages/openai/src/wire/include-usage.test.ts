import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { includeUsage } from './include-usage.ts'

/** The rewrite of a streamed request, whatever else its body says. */
function rewriteOf(body: object) {
  return includeUsage({
    body: { stream: true, ...body },
    provider: 'openai',
    baseUrl: 'https://rewrite.test/v1',
    apiVersion: undefined,
    includeUsage: undefined,
  })
}

const latin1 = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1')

describe('stream_options.include_usage in a serialised body', () => {
  test.each([
    ['none', '{"a":1}', '{"stream_options":{"include_usage":true},"a":1}'],
    ['behind space', ' \n{ "a" : 1 } ', ' \n{"stream_options":{"include_usage":true}, "a" : 1 } '],
    ['false', '{"stream_options":{"include_usage":false},"a":1}', undefined],
    ['others', '{"stream_options" : { "other": [1, "}"] } , "a":1}', undefined],
    ['empty', '{"a":{"b":"\\\\\\""},"stream_options":{}}', undefined],
    ['null', '{"a":[{}],"stream_options":null}', undefined],
    ['twice', '{"stream_options":{"x":1},"stream_options":{"y":2}}', undefined],
    ['escaped', '{"stream\\u005foptions":{"include_usage":false}}', undefined],
    ['inside of others', '{"a":{"stream_options":{"x":1}},"stream_options":{"y":1}}', undefined],
  ])('%s', (_, body, expected) => {
    const { stream_options: options, ...rest } = JSON.parse(body) as { stream_options?: object }
    const given = options === undefined ? {} : { stream_options: options }
    const rewrite = rewriteOf(given)!
    expect(rewrite.hidesUsage()).toBe(false)
    const text = rewrite.apply(body)!
    expect(rewrite.hidesUsage()).toBe(true)
    if (expected !== undefined) expect(text).toBe(expected)
    const wanted = { ...rest, stream_options: { ...options, include_usage: true } }
    expect(JSON.parse(text)).toEqual(wanted)
    expect(Buffer.from(rewrite.apply(Buffer.from(body))!).toString()).toBe(text)
  })

  test('bytes that are no UTF-8 stay as they are, on both sides of the options', () => {
    const body = Buffer.from(
      '{"a":"\xff\xc3","stream_options":{"x":1},"b":"\xed\xa0\x80"}',
      'latin1',
    )
    const passed = rewriteOf({ stream_options: { x: 1 } })!.apply(body)
    expect(latin1(passed)).toBe(
      '{"a":"\xff\xc3","stream_options":{"include_usage":true,"x":1},"b":"\xed\xa0\x80"}',
    )
    expect(latin1(rewriteOf({})!.apply(Buffer.from('{"a":"\xff"}', 'latin1')))).toBe(
      '{"stream_options":{"include_usage":true},"a":"\xff"}',
    )
  })

  test('whatever the JSON is', () => {
    const options = fc.option(fc.dictionary(fc.string(), fc.jsonValue()))
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        options,
        fc.nat(3),
        (rest, given, spaces) => {
          const body = JSON.stringify({ ...rest, stream_options: given, z: 1 }, null, spaces)
          const text = rewriteOf({ stream_options: given })?.apply(body)
          if (text === undefined) return
          // As JSON says it: it has no -0.
          const said = JSON.parse(body) as { stream_options: object | null }
          expect(JSON.parse(text)).toEqual({
            ...said,
            stream_options: { ...said.stream_options, include_usage: true },
          })
        },
      ),
    )
  })

  test.each(['no JSON', '["a"]', ''])('%j is sent as it is, and nothing is hidden', (body) => {
    const rewrite = rewriteOf({})!
    expect(rewrite.apply(body)).toBeUndefined()
    expect(rewrite.apply(Buffer.from(body))).toBeUndefined()
    expect(rewrite.hidesUsage()).toBe(false)
  })

  test('what is no JSON behind its beginning is sent as it is', () => {
    const rewrite = rewriteOf({ stream_options: {} })!
    expect(rewrite.apply('{"stream_options":{')).toBeUndefined()
    expect(rewrite.hidesUsage()).toBe(false)
  })
})

test('a refusal names the option; the model is not asked again for a while', () => {
  const rewrite = rewriteOf({ model: 'refused' })!
  rewrite.apply('{}')
  expect(rewrite.isRefusal(400, 'unknown field stream_options')).toBe(true)
  expect(rewrite.isRefusal(422, 'include_usage: extra')).toBe(true)
  expect(rewrite.isRefusal(400, 'messages: too long')).toBe(false)
  expect(rewrite.isRefusal(500, 'stream_options')).toBe(false)
  rewrite.refused()
  expect(rewrite.hidesUsage()).toBe(false)
  expect(rewriteOf({ model: 'refused' })).toBeUndefined()
  expect(rewriteOf({ model: 'other' })).toBeDefined()
})
