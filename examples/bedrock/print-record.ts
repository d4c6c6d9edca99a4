import type { UsageRecord } from '@token-meter/bedrock'

/** One line for one record. */
export function printRecord({ customer, provider, model, tokens, outcome }: UsageRecord) {
  const { input, cachedInput, cachedWrite, output } = tokens
  console.log(
    `  ${customer}  ${provider}/${model}  input ${input}  cached ${cachedInput}  ` +
      `written ${cachedWrite}  output ${output}  ${outcome}`,
  )
}
