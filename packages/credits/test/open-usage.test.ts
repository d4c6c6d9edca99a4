import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { type PostgresServer, startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { createCredits } from '../src/index.ts'
import type { OpenerOrder } from './opener.ts'

const opener = fileURLToPath(new URL('opener.ts', import.meta.url))

let server: PostgresServer
beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.stop())

test.each(['sqlite', 'postgres'])(
  'a process is killed in mid-stream: what it had kept settles its hold, with %s',
  async (kind) => {
    const order: OpenerOrder =
      kind === 'sqlite'
        ? { path: temporaryFile() }
        : { path: 'opened', url: server.url, spool: temporaryFile() }
    const child = spawn(process.execPath, [opener, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const closed = once(child, 'close')
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (said += text))
    await expect.poll(() => said, { timeout: 20_000 }).toContain('kept')
    child.kill('SIGKILL')
    await closed

    const outbox: Outbox =
      order.url === undefined
        ? sqliteOutbox(order.path)
        : postgresOutbox(
            { connectionString: order.url },
            { schema: order.path, spoolFolder: order.spool ?? '' },
          )
    onTestFinished(async () => void (await outbox.close()))
    const credits = createCredits({ outbox })
    expect(await credits.balance('cus_1')).toMatchObject({ held: '2' })
    await outbox.prepare?.()
    expect(await outbox.recorded()).toBe(1)
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0', available: '9.75' })
  },
  60_000,
)
