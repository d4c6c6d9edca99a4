import { importPeer } from '../calls/module-copies.ts'
import { patchingPeer } from './peer-sdk.ts'
import { type Instrumentation, instrument } from './instrumentation.ts'

const name = '@arizeai/openinference-instrumentation-openai'

export const openinference = patchingPeer(name, async (sdk, telemetry) => {
  const { OpenAIInstrumentation } = await importPeer<{
    OpenAIInstrumentation: new () => Instrumentation
  }>(name)
  await instrument(new OpenAIInstrumentation(), sdk, telemetry)
})
