// A process of a crash run: it does as it is told until it is killed.
import { dirname, join } from 'node:path'
import { aggregated, createMeter, type TokenMeterError } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { Ambush } from './ambush.ts'
import { BatchMoments } from './batch-moments.ts'
import { openOutbox } from './crash-outbox.ts'
import { MomentLog } from './moments.ts'
import type { WorkerMessage, WorkerOrder } from './worker-order.ts'

const order = JSON.parse(process.argv[2] ?? '') as WorkerOrder
const tell = (message: WorkerMessage) => void process.send?.(message)
// Nobody is left to kill it.
process.once('disconnect', () => process.exit())

const { role, api, stripeKey: apiKey, stripeUrl: baseUrl } = order
const outbox = await openOutbox(order.outbox)
// The last delivery has all the time in the world; the others live for less than a second.
const isInPeace = role === 'drain'
const stripe = stripeSink({ api, apiKey, baseUrl, timeoutMs: isInPeace ? 20_000 : 200 })
const sink = order.aggregate ? aggregated(stripe, { lingerMs: 250, maxBatch: 200 }) : stripe
const ambush =
  order.ambush && new Ambush(order.ambush, join(dirname(order.script), 'ambush-thread.mjs'))
const log = new MomentLog(join(order.momentLogs, order.name), ambush)
const batches = new BatchMoments(log, baseUrl)

const options = {
  outbox: batches.ofOutbox(outbox),
  sinks: role === 'produce' ? [] : [batches.ofSink(sink)],
  delivery: {
    lingerMs: 5,
    pollMs: 50,
    ...(!isInPeace && { sendTimeoutMs: 1200 }),
    // Nobody can tell that a worker of a database is dead: its lease runs out.
    ...(!isInPeace && order.outbox.kind === 'postgres' && { leaseMs: 2000 }),
    backoff: { baseMs: 20, maxMs: 200 },
  },
  onError: (error: TokenMeterError) => tell({ fault: `${error.code}: ${error.message}` }),
}

if (role === 'produce' || role === 'both') {
  // Loaded only here, as what a process loads is the time it takes to start.
  const [{ openaiProvider }, { produce }] = await Promise.all([
    import('@token-meter/openai'),
    import('./produce.ts'),
  ])
  const meter = createMeter({ ...options, providers: [openaiProvider] })
  await produce(meter, order, log, () => tell({ ready: true }))
} else {
  const meter = createMeter({ ...options, providers: [] })
  tell({ ready: true })
  if (role === 'drain') {
    await meter.flush({ timeoutMs: 180_000 })
    await meter.close()
    process.disconnect?.()
  }
}
