/** A process that delivers a file's records to a fake OpenMeter until nothing is left. */
import { aggregated, createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openMeterSink } from '../src/index.ts'

const [path = '', apiKey = '', url = '', sums = ''] = process.argv.slice(2)
const sink = { ...openMeterSink({ apiKey, url }), maxBatch: 20 }
const meter = createMeter({
  providers: [],
  outbox: sqliteOutbox(path),
  sinks: [sums === 'aggregated' ? aggregated(sink, { lingerMs: 0, maxBatch: 100 }) : sink],
  delivery: { lingerMs: 0, pollMs: 20 },
  onError: (error) => console.error(error.message),
})
await meter.flush({ timeoutMs: 25_000 })
await meter.close()
