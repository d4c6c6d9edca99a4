/** A process that delivers a file's records to a fake Stripe until nothing is left, and says so. */
import { aggregated, createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink } from '../src/index.ts'

const [path = '', apiKey = '', baseUrl = '', sums = '', options = '{}'] = process.argv.slice(2)
const stripe = stripeSink({ apiKey, baseUrl, ...(JSON.parse(options) as object) })
const meter = createMeter({
  providers: [],
  outbox: sqliteOutbox(path),
  sinks: [sums === 'aggregated' ? aggregated(stripe, { lingerMs: 0, maxBatch: 500 }) : stripe],
  delivery: { lingerMs: 0, pollMs: 20, backoff: { baseMs: 50, maxMs: 200 } },
  onError: (error) => console.error(error.message),
})
const { sinks } = await meter.flush({ timeoutMs: 25_000 })
await meter.close()
console.log(JSON.stringify(sinks['stripe']))
