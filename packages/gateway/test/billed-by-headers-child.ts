/** A gateway in a process of its own, to be killed. */
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startBillingGateway } from './billed-by-headers.ts'

const [file = '', upstream = '', own = '', ownKey = '', other = '', port = '0'] =
  process.argv.slice(2)

await startBillingGateway({
  upstream,
  outbox: sqliteOutbox(file),
  own: { url: own, apiKey: ownKey },
  other: { url: other },
  port: Number(port),
})
