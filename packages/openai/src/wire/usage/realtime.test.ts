import fc from 'fast-check'
import { expect, it } from 'vitest'
import { realtimeUsage } from '../../usage.ts'

it('takes the cached tokens of every kind out of the input', () => {
  const usage = {
    total_tokens: 253,
    input_tokens: 132,
    output_tokens: 121,
    input_token_details: {
      text_tokens: 119,
      audio_tokens: 13,
      image_tokens: 0,
      cached_tokens: 64,
      cached_tokens_details: { text_tokens: 60, audio_tokens: 4, image_tokens: 0 },
    },
    output_token_details: { text_tokens: 30, audio_tokens: 91 },
  }
  expect(realtimeUsage(usage)).toEqual({
    tokens: { input: 68, cachedInput: 64, cachedWrite: 0, output: 121 },
    details: { audioInput: 13, cachedAudioInput: 4, audioOutput: 91 },
    problems: [],
  })
})

it('leaves unknown what is not there', () => {
  expect(realtimeUsage({ output_tokens: 3 }).tokens).toMatchObject({ input: undefined, output: 3 })
  expect(realtimeUsage(null).tokens).toMatchObject({ input: undefined, output: undefined })
})

it('never throws, and answers whole counts', () => {
  const names = ['input_tokens', 'output_tokens', 'total_tokens', 'input_token_details']
  const usage = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...names), fc.anything()))
  fc.assert(
    fc.property(usage, (value) => {
      for (const count of Object.values(realtimeUsage(value).tokens)) {
        expect(count === undefined || (Number.isSafeInteger(count) && count >= 0)).toBe(true)
      }
    }),
  )
})
