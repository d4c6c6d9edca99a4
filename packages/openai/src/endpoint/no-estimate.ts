import type { Endpoint } from '@token-meter/core/adapter'

/** For endpoints that are billed by what the provider says alone. */
export const noEstimate: Pick<Endpoint, 'estimateInput' | 'estimateOutput'> = {
  estimateInput: () => {},
  estimateOutput: () => {},
}
