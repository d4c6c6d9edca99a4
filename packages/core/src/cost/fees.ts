import type { Quantity, UsageDetails } from '../usage/usage-details.ts'
import type { ModelPrice } from './model-price.ts'

type NameOf<Of, Type> = {
  [Name in keyof Of]-?: Of[Name] extends Type | undefined ? Name : never
}[keyof Of]

/** What is billed beside tokens for what the provider ran itself. */
export interface Fee {
  readonly detail: Quantity
  readonly price: NameOf<ModelPrice, number | string>
  /** How many the price is of. */
  readonly per: number
  /** Whether usage with it, and without a price of it, has no cost: some are free at most providers. */
  readonly isNeeded: boolean
}

/** Every fee, in the order in which they are added. */
export const fees: readonly Fee[] = [
  { detail: 'webSearchRequests', price: 'webSearch', per: 1000, isNeeded: true },
  // Free at Anthropic, the only one that counts them: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool
  { detail: 'webFetchRequests', price: 'webFetch', per: 1000, isNeeded: false },
  { detail: 'xSearchRequests', price: 'xSearch', per: 1000, isNeeded: true },
  // Of a search that xAI no longer sells; what it sells now counts its sources as well.
  { detail: 'searchSources', price: 'searchSource', per: 1000, isNeeded: false },
  { detail: 'mapsRequests', price: 'maps', per: 1000, isNeeded: true },
  { detail: 'fileSearchCalls', price: 'fileSearch', per: 1000, isNeeded: true },
  // Google's is free, Anthropic's is by the hour, and so is Groq's: only xAI and Mistral bill the call.
  { detail: 'codeExecutionCalls', price: 'codeExecution', per: 1000, isNeeded: false },
  // Of a container that an earlier response made, nothing more is owed.
  { detail: 'containers', price: 'container', per: 1, isNeeded: false },
]

/** Whether something was used that has a price beside the tokens, whatever that is. */
export function hasFees(details: UsageDetails): boolean {
  return fees.some(({ detail }) => details[detail])
}
