import { setTimeout as sleep } from 'node:timers/promises'
import type { Meter } from '@token-meter/core'
import type { OpenAIClient } from '@token-meter/openai'
import OpenAI from 'openai'
import { openCallLog } from './call-log.ts'
import type { MomentLog } from './moments.ts'
import { keyOf, plannedCall, type PlannedCall } from './planned-call.ts'
import { createRandom } from './random.ts'
import type { WorkerOrder } from './worker-order.ts'

const callsAtATime = 6

/** Makes metered calls, some at a time, for ever; logs each once it has resolved. */
export async function produce(
  meter: Meter<OpenAIClient>,
  order: WorkerOrder,
  log: MomentLog,
  isAtWork: () => void,
): Promise<never> {
  const resolved = openCallLog(order.callLogs, order.name)
  const recordIds = new Map<string, string>()
  // Told when the outbox has acknowledged it.
  meter.on('usage', (record) => recordIds.set(keyOf(record), record.id))
  const baseURL = `${order.providerUrl}/v1`
  const client = new OpenAI({ apiKey: 'sk-crash', baseURL, maxRetries: 0 })
  const lines = Array.from({ length: callsAtATime }, async (_, line): Promise<never> => {
    const pauses = createRandom(`${order.name}.${line} pauses`)
    for (let count = 0; ; count++) {
      const call = plannedCall(`${order.name}.${line}.${count}`)
      const startedAt = performance.now()
      await makeCall(meter, client, call, log)
      const tookMs = performance.now() - startedAt
      resolved({ key: call.key, recordId: recordIds.get(call.key), tookMs })
      if (count === 0) isAtWork()
      await sleep(pauses.between(0, 150))
    }
  })
  return Promise.race(lines)
}

async function makeCall(
  meter: Meter<OpenAIClient>,
  client: OpenAI,
  { key, customer, model, way, tokens, feature }: PlannedCall,
  log: MomentLog,
): Promise<void> {
  const attributes = { feature }
  if (way === 'record') {
    const raw = { call: key }
    return meter.record({ customer, provider: 'openai', model, tokens, attributes, raw })
  }
  const { chat } = meter(client, customer, { attributes })
  const request = {
    model,
    user: key,
    messages: [{ role: 'user' as const, content: 'Is it so?' }],
  }
  if (way === 'chat') {
    return log.during('call', async () => void (await chat.completions.create(request)))
  }
  const options = { stream: true as const, stream_options: { include_usage: true } }
  const stream = await log.during('call', async () =>
    chat.completions.create({ ...request, ...options }),
  )
  await log.during('stream', async () => {
    for await (const _ of stream);
  })
}
