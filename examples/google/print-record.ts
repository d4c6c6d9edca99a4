import type { UsageRecord } from '@token-meter/google'

/** One line for one record. */
export function printRecord({ customer, provider, model, tokens, details, outcome }: UsageRecord) {
  const { input, cachedInput, output } = tokens
  const reasoning = details.reasoning === undefined ? '' : ` (${details.reasoning} reasoning)`
  console.log(
    `  ${customer}  ${provider}/${model}  input ${input}  cached ${cachedInput}  ` +
      `output ${output}${reasoning}  ${outcome}`,
  )
}
