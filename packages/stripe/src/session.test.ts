import { afterEach, expect, test, vi } from 'vitest'
import type { EventRetry } from '@token-meter/core/sink'
import { type NewSession, createSession } from './session.ts'

const minute = 60_000
const outage: EventRetry = { status: 'retry', scope: 'backend', reason: 'down' }

afterEach(() => {
  vi.useRealTimers()
})

function start(answers: readonly (NewSession | EventRetry)[] = []) {
  let now = 1000
  let made = 0
  const make = async (): Promise<NewSession | EventRetry> => {
    await Promise.resolve()
    made += 1
    return answers[made - 1] ?? { token: `token-${made}`, lifetimeMs: 15 * minute }
  }
  const session = createSession(make, () => now)
  return { session, pass: (ms: number) => (now += ms), made: () => made }
}

test('50 at a time share one session, made once', async () => {
  const { session, made } = start()
  const tokens = await Promise.all(Array.from({ length: 50 }, () => session.token()))
  expect(new Set(tokens)).toEqual(new Set(['token-1']))
  expect(made()).toBe(1)
})

test('it is renewed 1 to 2 minutes before its end, once', async () => {
  const { session, pass, made } = start()
  await session.token()
  pass(13 * minute - 1)
  expect(await session.token()).toBe('token-1')
  pass(minute + 1)
  const tokens = await Promise.all(Array.from({ length: 50 }, () => session.token()))
  expect(new Set(tokens)).toEqual(new Set(['token-2']))
  expect(made()).toBe(2)
})

test('while it cannot be renewed it is used to its end', async () => {
  const { session, pass } = start([{ token: 'old', lifetimeMs: 15 * minute }, outage, outage])
  await session.token()
  pass(14 * minute)
  expect(await session.token()).toBe('old')
  pass(minute)
  expect(await session.token()).toEqual(outage)
  expect(await session.token()).toBe('token-4')
})

test('one that was refused is not used again, and one that replaced it is kept', async () => {
  const { session, made } = start()
  await session.token()
  session.drop('token-1')
  expect(await session.token()).toBe('token-2')
  session.drop('token-1')
  expect(await session.token()).toBe('token-2')
  expect(made()).toBe(2)
})

test("a clock that jumps neither ends a session nor makes it last, and neither does Stripe's", async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 21) })
  const { session, made } = start()
  await session.token()
  for (const jump of [-60 * minute, 24 * 60 * minute]) {
    vi.setSystemTime(Date.now() + jump)
    expect(await session.token()).toBe('token-1')
  }
  expect(made()).toBe(1)
})

test('a session that is short is renewed in its second half', async () => {
  const { session, pass } = start([{ token: 'short', lifetimeMs: 1000 }])
  await session.token()
  pass(499)
  expect(await session.token()).toBe('short')
  pass(1)
  expect(await session.token()).toBe('token-2')
})
