import { expect, test } from 'vitest'
import { outsideEventWindow } from './event-window.ts'

const hour = 60 * 60_000
const day = 24 * hour
const now = Date.parse('2026-11-21T10:00:00Z')

test('what is within the window is sent', () => {
  expect(outsideEventWindow(now, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now - 34 * day, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now + day, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now - 33 * day, now - 33 * day, now)).toBeUndefined()
})

test('what is too old says so, and what to do', () => {
  expect(outsideEventWindow(now - 34 * day - 1, undefined, now)).toMatchObject({
    status: 'rejected',
    reason: expect.stringMatching(/^it is dated 2026-10-18T09:59:59.999Z.*past 34 days.*discard/),
  })
})

test('what may have arrived so long ago is uncertain, however it is dated', () => {
  const uncertain = {
    status: 'rejected',
    reason: expect.stringMatching(/^uncertain: .*34 days/),
    code: 'uncertain',
  }
  const since = now - 34 * day + hour
  expect(outsideEventWindow(now - 34 * day - 1, now - day, now)).toMatchObject(uncertain)
  expect(outsideEventWindow(now - 33 * day, since, now)).toMatchObject(uncertain)
  expect(outsideEventWindow(now - 33 * day, since + 1, now)).toBeUndefined()
})

test('what is ahead waits until Metronome takes it, at most a minute at a time', () => {
  expect(outsideEventWindow(now + day + 5000, undefined, now)).toMatchObject({
    status: 'retry',
    afterMs: 5000,
    recordOnly: true,
    reason: expect.stringMatching(/24 hours ahead/),
  })
  expect(outsideEventWindow(now + 9 * day, now, now)).toMatchObject({ afterMs: 60_000 })
  expect(outsideEventWindow(Number.MAX_VALUE, undefined, now)).toMatchObject({ status: 'retry' })
})
