import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chatCompletionsUsage, embeddingsUsage } from './chat-completions.ts'
import { responsesUsage } from './responses.ts'

const tokens = (input: number, cachedInput: number, cachedWrite: number, output: number) => ({
  input,
  cachedInput,
  cachedWrite,
  output,
})

const count = fc.nat(1_000_000)

describe('for any usage', () => {
  test('of the inclusive kind the counts re-sum to the total', () => {
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        (plain, cached, written, output, reasoning) => {
          const input = plain + cached + written
          const total = input + output + reasoning
          const chat = chatCompletionsUsage({
            prompt_tokens: input,
            completion_tokens: output + reasoning,
            total_tokens: total,
            prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
            completion_tokens_details: { reasoning_tokens: reasoning },
          })
          const response = responsesUsage({
            input_tokens: input,
            output_tokens: output + reasoning,
            total_tokens: total,
            input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
            output_tokens_details: { reasoning_tokens: reasoning },
          })
          expect(chat.tokens).toEqual(tokens(plain, cached, written, output + reasoning))
          expect(response.tokens).toEqual(chat.tokens)
        },
      ),
    )
  })

  test('however odd, nothing throws and every count is whole and not negative, or unknown', () => {
    const odd = fc.anything({ maxDepth: 3 })
    const fields = fc.record(
      Object.fromEntries(
        [
          'prompt_tokens',
          'completion_tokens',
          'total_tokens',
          'input_tokens',
          'output_tokens',
          'prompt_tokens_details',
          'input_tokens_details',
          'cached_tokens',
          'cost',
        ].map((name) => [name, fc.oneof(count, odd)]),
      ),
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fields, odd), (usage) => {
        for (const read of [chatCompletionsUsage, responsesUsage, embeddingsUsage]) {
          for (const value of Object.values(read(usage).tokens)) {
            expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
          }
        }
      }),
    )
  })
})
