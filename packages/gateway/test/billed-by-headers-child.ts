/** A gateway in a process of its own, to be killed. */
import { outboxAt, startBillingGateway } from './billed-by-headers.ts'

const [file = '', upstream = '', own = '', ownKey = '', other = '', port = '0'] =
  process.argv.slice(2)

await startBillingGateway({
  upstream,
  outbox: outboxAt(file),
  own: { url: own, apiKey: ownKey },
  other: { url: other },
  port: Number(port),
})
