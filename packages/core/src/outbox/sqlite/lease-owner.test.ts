import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { exampleRecord } from '@token-meter/testkit'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

// Only Linux says when a process started.
const saysStarts = process.platform === 'linux'

const outboxModule = new URL('./sqlite-outbox.ts', import.meta.url)

/** What a thread of this process, with globals of its own, can claim of the file. */
function claimedByAnotherThread(file: string): Promise<number> {
  const script = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(outboxModule.href)}).then(async ({ sqliteOutbox }) => {
      const outbox = sqliteOutbox(${JSON.stringify(file)})
      const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 60_000 })
      outbox.close()
      parentPort.postMessage(batch?.entries.length ?? 0)
    })`
  return new Promise((resolve, reject) => {
    new Worker(script, { eval: true }).once('message', resolve).once('error', reject)
  })
}

async function claimedFile() {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  onTestFinished(() => outbox.close())
  await outbox.append([exampleRecord()])
  const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 60_000 })
  expect(batch?.entries).toHaveLength(1)
  return { file, outbox }
}

test('a batch that another thread of the process sends is left to it', async () => {
  const { file } = await claimedFile()
  expect(await claimedByAnotherThread(file)).toBe(0)
})

test.runIf(saysStarts)(
  'a process that got the id of one that is gone takes over what that one was sending',
  async () => {
    const { file } = await claimedFile()
    const database = new DatabaseSync(file)
    const { id, lease } = database.prepare('SELECT id, lease FROM batches').get() as {
      id: string
      lease: string
    }
    const [machine, pid, , nonce] = JSON.parse(lease) as string[]
    database
      .prepare('UPDATE batches SET lease = ? WHERE id = ?')
      .run(JSON.stringify([machine, pid, 'another start', nonce]), id)
    database.close()
    expect(await claimedByAnotherThread(file)).toBe(1)
  },
)
