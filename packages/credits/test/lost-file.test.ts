import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { existsSync, renameSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { createCredits } from '../src/index.ts'
import { calling, startGuard } from './guarding.ts'

const parts = ['', '-wal', '-shm']

function move(from: string, to: string) {
  for (const part of parts) {
    if (existsSync(`${from}${part}`)) renameSync(`${from}${part}`, `${to}${part}`)
  }
}

async function start(own: Parameters<typeof startGuard>[2] = {}) {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path)
  onTestFinished(async () => void (await outbox.close()))
  const { credits, guard } = await startGuard(outbox, {}, { usd: '5', ...own })
  /** What the guard says, once the outbox has looked at its file. */
  const admit = async (more: Parameters<typeof calling>[0] = {}) => {
    await new Promise((resolve) => setTimeout(resolve, 120))
    return (async () => guard.admit(calling(more)))()
  }
  return { path, credits, admit }
}

const unavailable = {
  code: 'credits_unavailable',
  status: 503,
}

test('books whose file is deleted under a process are not there, and nobody is told that they never paid', async () => {
  const { path, credits, admit } = await start()
  expect(await admit()).toBeDefined()
  const away = `${path}.away`
  move(path, away)
  await expect(admit()).rejects.toMatchObject({
    ...unavailable,
    cause: {
      message: expect.stringMatching(/was deleted or replaced while it was open.*Put it back/),
    },
  })
  for (const asked of [
    credits.balance('cus_1'),
    credits.check('cus_1', { usd: '1' }),
    credits.hold('cus_1', { usd: '1' }),
  ]) {
    await expect(asked).rejects.toMatchObject(unavailable)
  }
  // Who is given credit in the file that is there by now has it.
  await credits.grant('cus_2', { usd: '1', idempotencyKey: 'pi_2' })
  expect(await admit({ customer: 'cus_2' })).toBeDefined()
  await expect(admit()).rejects.toMatchObject(unavailable)
  // Another process has never known another file.
  const other = sqliteOutbox(path)
  onTestFinished(async () => void (await other.close()))
  const guard = createCredits({ outbox: other }).guard()
  await expect((async () => guard.admit(calling()))()).rejects.toMatchObject({ status: 402 })
  await other.close()
  move(path, `${path}.new`)
  move(away, path)
  expect(await admit()).toBeDefined()
  expect(await credits.balance('cus_1')).toMatchObject({ posted: '5' })
})

test('a default plan is not given anew by a file that is deleted', async () => {
  const plans = [{ id: 'free', usd: '1', period: 'month', default: true }] as const
  const { path, admit } = await start({ plans })
  move(path, `${path}.away`)
  await expect(admit()).rejects.toMatchObject(unavailable)
})

test('a file without accounts that is deleted has lost none', async () => {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path)
  onTestFinished(async () => void (await outbox.close()))
  const credits = createCredits({ outbox })
  expect(await credits.balance('cus_1')).toMatchObject({ available: '0' })
  move(path, `${path}.away`)
  await new Promise((resolve) => setTimeout(resolve, 120))
  expect(await credits.balance('cus_1')).toMatchObject({ available: '0' })
})
