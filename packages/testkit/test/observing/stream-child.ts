/** A process that passes one streamed answer on, as a gateway does, and says how far it is. */
import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { observeBody, observing } from '@token-meter/core/adapter'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import { postgresOutbox } from '@token-meter/postgres'

export interface StreamOrder {
  readonly outbox: { readonly file: string } | { readonly url: string; readonly schema: string }
  readonly protocol: string
  /** Of the stream. */
  readonly url: string
  readonly body: object
  readonly recordId: string
}

const order = JSON.parse(process.argv[2] ?? '') as StreamOrder
const say = (line: string) => process.stdout.write(`${line}\n`)

function opened(): Outbox {
  if ('file' in order.outbox) return sqliteOutbox(order.outbox.file)
  const { url, schema } = order.outbox
  return postgresOutbox({ connectionString: url }, { schema, spoolFolder: '/dev/null/none' })
}

const kept = opened()
const outbox: Outbox = {
  ...kept,
  async open(...opening) {
    await kept.open?.(...opening)
    say('kept')
  },
}
const meter = createMeter({
  providers: [openaiProvider, anthropicProvider, googleProvider] as never,
  outbox,
  onError: ({ message }) => say(`error ${message}`),
})
const { url, protocol, body, recordId } = order
const bytes = new TextEncoder().encode(JSON.stringify(body))
const observation = observing(meter)('cus_1', { recordId, keepsOpen: true, includeUsage: false })
const request = { method: 'POST', url, headers: undefined, body: bytes }
const operation = observation.open(request, { url, protocol })
if (operation === undefined || operation === 'unmetered') throw new Error('is no operation')
const call = operation.begin()
const response = await fetch(url, { method: 'POST', body: bytes })
const following = observeBody(call, response.headers.get('content-type') ?? '')
for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
  following.push(piece)
  say('passed')
}
following.finish()
await call.stored
say('settled')
// It has more to do, and is killed meanwhile.
setInterval(() => {}, 1000)
