// A process of a crash run: it does as it is told until it is killed.
import { createMeter, type TokenMeterError } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { openOutbox } from './crash-outbox.ts'
import type { WorkerMessage, WorkerOrder } from './worker-order.ts'

const order = JSON.parse(process.argv[2] ?? '') as WorkerOrder
const tell = (message: WorkerMessage) => void process.send?.(message)
// Nobody is left to kill it.
process.once('disconnect', () => process.exit())

const { role, api, stripeKey: apiKey, stripeUrl: baseUrl } = order
const options = {
  outbox: await openOutbox(order.outbox),
  sinks: role === 'produce' ? [] : [stripeSink({ api, apiKey, baseUrl, timeoutMs: 300 })],
  delivery: { lingerMs: 5, pollMs: 50, backoff: { baseMs: 20, maxMs: 200 } },
  onError: (error: TokenMeterError) => tell({ fault: `${error.code}: ${error.message}` }),
}

if (role === 'produce' || role === 'both') {
  // Loaded only here, as what a process loads is the time it takes to start.
  const [{ openaiProvider }, { produce }] = await Promise.all([
    import('@token-meter/openai'),
    import('./produce.ts'),
  ])
  const meter = createMeter({ ...options, providers: [openaiProvider] })
  await produce(meter, order, () => tell({ ready: true }))
} else {
  const meter = createMeter({ ...options, providers: [] })
  tell({ ready: true })
  if (role === 'drain') {
    await meter.flush({ timeoutMs: 180_000 })
    await meter.close()
    process.disconnect?.()
  }
}
