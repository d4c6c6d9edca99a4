import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { audioUsage, secondsUsage } from './audio.ts'
import { imagesUsage } from './images.ts'

const count = fc.nat(1_000_000)
const odd = fc.oneof(
  count,
  fc.double(),
  fc.string(),
  fc.constant(null),
  fc.anything({ maxDepth: 2 }),
)

function fields(...names: string[]) {
  return fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] })
}

describe('for any usage of images, audio and lengths', () => {
  test('however odd, counts are whole and not negative, or unknown, and nothing throws', () => {
    const details = fields('image_tokens', 'text_tokens', 'audio_tokens', 'cached_tokens')
    const usage = fc
      .tuple(
        fields('input_tokens', 'output_tokens', 'total_tokens', 'seconds', 'type', 'cached_tokens'),
        fc.oneof(details, odd),
      )
      .map(([outer, inner]) => ({
        ...outer,
        input_tokens_details: inner,
        input_token_details: inner,
        output_tokens_details: inner,
        cached_tokens_details: inner,
      }))
    fc.assert(
      fc.property(fc.oneof(usage, odd), (value) => {
        for (const read of [imagesUsage, audioUsage, secondsUsage]) {
          const { tokens, details: found } = read(value)
          for (const tokenCount of Object.values(tokens)) {
            expect(
              tokenCount === undefined || (Number.isSafeInteger(tokenCount) && tokenCount >= 0),
            ).toBe(true)
          }
          for (const detail of Object.values(found)) expect(Number(detail)).toBeGreaterThan(0)
        }
      }),
    )
  })

  test('that is consistent, the counts re-sum to the total', () => {
    fc.assert(
      fc.property(count, count, count, (plain, cached, output) => {
        const total = plain + cached + output
        const image = imagesUsage({
          input_tokens: plain + cached,
          cached_tokens: cached,
          output_tokens: output,
          total_tokens: total,
        })
        const audio = audioUsage({
          type: 'tokens',
          input_tokens: plain + cached,
          input_token_details: { cached_tokens: cached },
          output_tokens: output,
          total_tokens: total,
        })
        const expected = { input: plain, cachedInput: cached, cachedWrite: 0, output }
        expect(image).toMatchObject({ tokens: expected, problems: [] })
        expect(audio).toMatchObject({ tokens: expected, problems: [] })
      }),
    )
  })

  test.each([
    [4, 4],
    ['8', 8],
    [7.25, 7.25],
    [0, undefined],
  ])('a length of %j is %j seconds', (value, seconds) => {
    expect(secondsUsage(value)).toMatchObject({ details: seconds ? { seconds } : {}, problems: [] })
  })

  test.each([[undefined], [-1], [Number.NaN], [''], ['long'], [{}]])('%j is no length', (value) => {
    expect(secondsUsage(value).problems).toHaveLength(1)
  })
})
