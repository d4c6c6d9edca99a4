import type { Endpoint } from './endpoint.ts'

/** For endpoints that are billed by what the provider says alone. */
export const noEstimate: Pick<Endpoint, 'estimateInput' | 'estimateOutput'> = {
  estimateInput: () => {},
  estimateOutput: () => {},
}
