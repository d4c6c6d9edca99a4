import { type Endpoint, jsonObject } from '@token-meter/core/adapter'
import type { InteractionWatch } from '../jobs/interaction-watch.ts'
import { readInteraction } from './interaction-reading.ts'
import { InteractionStreamReader } from './interaction-stream-reader.ts'

/** `POST /interactions`, and what asks for an interaction again; the watch decides what is billed. */
export function interactionsEndpoint(watch: InteractionWatch): Endpoint {
  return {
    name: 'interactions',
    read: (response, { provider }) => readInteraction(response, provider, watch),
    openStream: (call, output) => new InteractionStreamReader(call, output, watch),
    estimateInput(body, estimate) {
      estimate.addStrings([body.input, body.system_instruction, body.tools])
    },
    estimateOutput(response, estimate) {
      const { steps, outputs } = jsonObject(response)
      estimate.addStrings([steps, outputs])
    },
  }
}
