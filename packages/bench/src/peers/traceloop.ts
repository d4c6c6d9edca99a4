import { importPeer } from '../calls/module-copies.ts'
import { patchingPeer } from './peer-sdk.ts'
import { type Instrumentation, instrument } from './instrumentation.ts'

export const traceloop = patchingPeer(
  '@traceloop/instrumentation-openai',
  async (sdk, telemetry) => {
    const { OpenAIInstrumentation } = await importPeer<{
      OpenAIInstrumentation: new () => Instrumentation
    }>('@traceloop/instrumentation-openai')
    await instrument(new OpenAIInstrumentation(), sdk, telemetry)
  },
)
