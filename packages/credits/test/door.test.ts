import { expect, test } from 'vitest'
import { ConfigError } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { startGuard } from './guarding.ts'

test('what is no moment, key or duration is said, and writes nothing', async () => {
  const { credits } = await startGuard(sqliteOutbox(temporaryFile()), {}, { usd: '1' })
  const usd = '1'
  const wrong = [
    { usd },
    { usd, idempotencyKey: '' },
    { usd, idempotencyKey: 'k', expiresAt: new Date(Number.NaN) },
    { usd, idempotencyKey: 'k', expiresAt: Number.NaN },
    { usd, idempotencyKey: 'k', effectiveAt: Infinity },
    { usd, idempotencyKey: 'k', effectiveAt: '2026-12-01' },
    { usd, idempotencyKey: 'k', priority: 101 },
    { usd, idempotencyKey: 'k', priority: Number.NaN },
    { usd, idempotencyKey: 'k', kind: 'gift' },
    { usd, idempotencyKey: 'k', source: '' },
  ]
  for (const one of wrong) {
    await expect(credits.grant('cus_1', one as never)).rejects.toBeInstanceOf(ConfigError)
  }
  for (const id of ['job:batch_1', 'record:r1']) {
    const hold = credits.hold('cus_1', { usd: '0.1', id })
    await expect(hold).rejects.toThrow(/does not begin with "job:" or "record:"/)
  }
  for (const ttlMs of [0, -5, Number.NaN, Infinity, '60']) {
    const hold = credits.hold('cus_1', { usd: '0.1', ttlMs: ttlMs as number })
    await expect(hold).rejects.toThrow(/ttlMs must be/)
  }
  await expect(credits.hold('cus_1', { usd: '0.1', id: '' })).rejects.toThrow(/id must be/)
  const without = { usd: '-1', source: 'usd' } as never
  for (const verb of ['adjust', 'revoke', 'unrevoke'] as const) {
    await expect(async () => credits[verb]('cus_1', without)).rejects.toThrow(/idempotencyKey/)
  }
  expect(await credits.balance('cus_1')).toMatchObject({ available: '1', held: '0' })
  expect((await credits.history('cus_1')).entries).toHaveLength(1)
})
