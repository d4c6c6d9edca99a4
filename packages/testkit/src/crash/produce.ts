import { setTimeout as sleep } from 'node:timers/promises'
import type { Meter } from '@token-meter/core'
import type { OpenAIClient } from '@token-meter/openai'
import OpenAI from 'openai'
import { plannedCall, type PlannedCall } from './planned-call.ts'
import { createRandom } from './random.ts'
import { openSideLog } from './side-log.ts'
import type { WorkerOrder } from './worker-order.ts'

const callsAtATime = 6

/** Makes metered calls, some at a time, for ever; logs each once it has resolved. */
export async function produce(
  meter: Meter<OpenAIClient>,
  order: WorkerOrder,
  isAtWork: () => void,
): Promise<never> {
  const resolved = openSideLog(order.sideLog)
  const baseURL = `${order.providerUrl}/v1`
  const client = new OpenAI({ apiKey: 'sk-crash', baseURL, maxRetries: 0 })
  const lines = Array.from({ length: callsAtATime }, async (_, line): Promise<never> => {
    const pauses = createRandom(`${order.name}.${line} pauses`)
    for (let count = 0; ; count++) {
      const call = plannedCall(`${order.name}.${line}.${count}`)
      await makeCall(meter, client, call)
      resolved(call.key)
      if (count === 0) isAtWork()
      await sleep(pauses.between(0, 50))
    }
  })
  return Promise.race(lines)
}

async function makeCall(
  meter: Meter<OpenAIClient>,
  client: OpenAI,
  { key, customer, model, way, tokens }: PlannedCall,
): Promise<void> {
  const attributes = { call: key }
  if (way === 'record') {
    return meter.record({ customer, provider: 'openai', model, tokens, attributes })
  }
  const { chat } = meter(client, customer, { attributes })
  const request = {
    model,
    user: key,
    messages: [{ role: 'user' as const, content: 'Is it so?' }],
  }
  if (way === 'chat') return void (await chat.completions.create(request))
  const options = { stream: true as const, stream_options: { include_usage: true } }
  for await (const _ of await chat.completions.create({ ...request, ...options }));
}
