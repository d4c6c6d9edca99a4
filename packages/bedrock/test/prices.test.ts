import { genaiPrices } from '@token-meter/core/genai-prices'
import { expect, test } from 'vitest'
import { toUsageRecord } from '@token-meter/core/adapter'
import { modelOf } from '../src/wire/model-name.ts'

const arn = 'arn:aws:bedrock:us-east-1:111122223333:'

/** As they stand in the list of AWS: a region's profile costs a tenth more than the global one. */
test.each([
  ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3, 16.5],
  ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 3, 15],
  [`${arn}inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0`, 3.3, 16.5],
  [`${arn}foundation-model/amazon.nova-lite-v1:0`, 0.06, 0.24],
  ['us.meta.llama3-3-70b-instruct-v1:0', 0.72, 0.72],
  ['openai.gpt-oss-120b-1:0', 0.15, 0.6],
  ['us.deepseek.r1-v1:0', 1.35, 5.4],
  ['mistral.mistral-large-2402-v1:0', 4, 12],
])('the price of %s is found by its model', async (modelId, input, output) => {
  const record = toUsageRecord({
    customer: 'cus_1',
    provider: 'bedrock',
    model: String(modelOf(modelId)),
    tokens: { input: 1, output: 1 },
  } as never)
  const price = await genaiPrices()(record as never)
  expect(price).toMatchObject({ input, output })
})
