import { importPeer } from '../calls/module-copies.ts'
import { wrappingPeer } from './peer-sdk.ts'

interface Meter {
  instrumentOpenAI(client: object): object
  readonly summary: object
}

export const llmMeter = wrappingPeer('llm-meter', async (telemetry) => {
  const module = await importPeer<{ LlmMeter: new (options?: object) => Meter }>('llm-meter')
  const meter = new module.LlmMeter()
  return {
    wrap: (client) => meter.instrumentOpenAI(client),
    settle: () => telemetry.seen?.(meter.summary),
  }
})
