import { modelSlug, type UsageRecord } from '@token-meter/ai-sdk'

/** One line for a record. */
export function printRecord({ customer, provider, model, tokens, outcome }: UsageRecord): void {
  const { input, cachedInput, cachedWrite, output } = tokens
  console.log(
    `record  ${customer}  ${modelSlug(provider, model)}  ` +
      `input ${input}  cached ${cachedInput}+${cachedWrite}  output ${output}  ${outcome}`,
  )
}
