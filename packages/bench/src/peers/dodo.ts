import { importPeer } from '../calls/module-copies.ts'
import { wrappingPeer } from './peer-sdk.ts'

interface Blueprints {
  createLLMTracker(config: object): { wrap(config: object): object }
}
interface Dodo {
  default: new (options: object) => { usageEvents: { ingest: unknown } }
}

/** Its request to the billing backend, which every call waits for, takes no time here. */
export const dodo = wrappingPeer('@dodopayments/ingestion-blueprints', async (telemetry) => {
  const { default: DodoPayments } = await importPeer<Dodo>('dodopayments')
  const { usageEvents } = new DodoPayments({ bearerToken: 'none' })
  const prototype = Object.getPrototypeOf(usageEvents) as { ingest: unknown }
  prototype.ingest = (events: unknown) => {
    telemetry.seen?.(events)
    return Promise.resolve({ ingested_count: 1 })
  }
  const { createLLMTracker } = await importPeer<Blueprints>('@dodopayments/ingestion-blueprints')
  const tracker = createLLMTracker({
    apiKey: 'none',
    environment: 'test_mode',
    eventName: 'llm.usage',
  })
  return { wrap: (client) => tracker.wrap({ client, customerId: 'cus_1' }) }
})
