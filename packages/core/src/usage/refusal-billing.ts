/** What a refusal before any output says about the bill. */
export interface RefusalBilling {
  /** The code for `UsageRecord.unbilled`; absent where it is billed. */
  readonly unbilled?: string
  /** Billed only because nobody knows the category: to be reported. */
  readonly problem?: string
}

/**
 * Categories by what the provider bills. Who is not here bills every refusal: of Claude on Bedrock,
 * Vertex AI and Foundry, the platforms' own pages name none that is free.
 *
 * Anthropic bills those of three categories since 2026-09-24, and before that billed none; no answer
 * from then can still be fetched, as results of batches are kept for 29 days.
 * https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
 */
const categories: Readonly<
  Record<string, { readonly free: readonly string[]; readonly billed: readonly string[] }>
> = {
  anthropic: {
    free: ['cyber', 'general_harms'],
    billed: ['bio', 'frontier_llm', 'reasoning_extraction'],
  },
}

const billed: RefusalBilling = {}

/**
 * Whether a provider bills a request that it refused before any output.
 * @param category as the answer names it; one that it does not name is no category, as null is.
 */
export function refusalBilling(provider: string, category: unknown): RefusalBilling {
  const known = Object.hasOwn(categories, provider) ? categories[provider] : undefined
  if (known === undefined) return billed
  if (category === undefined || category === null || category === '') {
    return { unbilled: 'refusal:null' }
  }
  if (typeof category === 'string') {
    if (known.free.includes(category)) return { unbilled: `refusal:${category}` }
    if (known.billed.includes(category)) return billed
  }
  return {
    problem: `it refused for ${named(category)}, of which nobody knows here whether it is billed: it is`,
  }
}

/** Only what can be a code: a text of the provider's could quote the conversation. */
function named(category: unknown): string {
  return typeof category === 'string' && /^[\w-]{1,64}$/.test(category)
    ? `the category "${category}"`
    : 'a category that is no code'
}
