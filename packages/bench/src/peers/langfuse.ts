import { importPeer } from '../calls/module-copies.ts'
import { wrappingPeer } from './peer-sdk.ts'
import { spanProvider } from './span-provider.ts'

interface Tracing {
  setLangfuseTracerProvider(provider: object): void
}
interface Langfuse {
  observeOpenAI(client: object): object
}

export const langfuse = wrappingPeer('@langfuse/openai', async (telemetry) => {
  const tracing = await importPeer<Tracing>('@langfuse/tracing')
  const { observeOpenAI } = await importPeer<Langfuse>('@langfuse/openai')
  tracing.setLangfuseTracerProvider(await spanProvider(telemetry))
  return { wrap: (client) => observeOpenAI(client) }
})
