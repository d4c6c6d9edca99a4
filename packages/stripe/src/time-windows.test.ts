import { expect, test } from 'vitest'
import { outsideDuplicateWindow } from './time-windows.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const hour = 60 * 60_000

test.each([undefined, now, now - 22 * hour, now - 23 * hour + 1, now + hour])(
  'uncertain since %s: it can be sent',
  (since) => {
    expect(outsideDuplicateWindow(since, now)).toBeUndefined()
  },
)

test.each([now - 23 * hour, now - 25 * hour, 0])('uncertain since %s: it cannot', (since) => {
  expect(outsideDuplicateWindow(since, now)).toMatchObject({ status: 'rejected' })
})

test('the reason says since when, why, and what to do', () => {
  expect(outsideDuplicateWindow(now - 25 * hour, now)).toMatchObject({
    reason: expect.stringMatching(
      /2026-11-20T11:00:00\.000Z.*24 hours.*event summaries.*outbox\.requeue.*outbox\.discard/,
    ),
  })
})
