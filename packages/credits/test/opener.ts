/** A process that holds credit for a stream, keeps what the stream has used so far, and is killed. */
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { createCredits } from '../src/index.ts'
import { costing } from './collecting.ts'

export interface OpenerOrder {
  /** The file, or the schema. */
  readonly path: string
  readonly url?: string
  readonly spool?: string
}

const { path, url, spool = '' } = JSON.parse(process.argv[2] ?? '') as OpenerOrder
const outbox: Outbox =
  url === undefined
    ? sqliteOutbox(path)
    : postgresOutbox({ connectionString: url }, { schema: path, spoolFolder: spool })
const credits = createCredits({ outbox })
await credits.grant('cus_1', { usd: '10', idempotencyKey: 'pack' })
const held = await credits.hold('cus_1', { usd: '2' })
for (const usd of ['0.1', '0.25']) {
  await outbox.open?.([costing('r1', usd)], { holdIds: [held.id] })
}
process.stdout.write('kept\n')
setInterval(() => {}, 1000)
