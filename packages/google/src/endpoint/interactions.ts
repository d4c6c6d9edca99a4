import { type Endpoint, jsonObject, type TokenEstimate } from '@token-meter/core/wire'
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
      addSteps(steps, estimate)
      addSteps(outputs, estimate)
    },
  }
}

/** What the model wrote: not what was asked, nor what tools put there. */
function addSteps(steps: unknown, estimate: TokenEstimate): void {
  for (const step of Array.isArray(steps) ? steps.map(jsonObject) : []) {
    const { type, text, summary, content, name, arguments: args } = step
    if (type === 'user_input' || String(type).endsWith('_result')) continue
    estimate.addStrings([text, summary, content])
    estimate.addToolCall(name)
    estimate.addToolCall(args)
  }
}
