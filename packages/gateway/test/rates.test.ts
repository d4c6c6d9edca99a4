import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type Caller,
  type EnteredRequest,
  type GatewayKeys,
  GatewayRefusal,
} from '@token-meter/gateway'
import { gatewayKeys } from '../src/keys/gateway-keys.ts'
import type { KeyOptions } from '../src/keys/key.ts'
import { rateTables } from '../src/keys/rates/rate-tables.ts'
import { SharedRates } from '../src/keys/rates/shared-rates.ts'
import { openTables } from '../src/store/tables.ts'
import { refused } from './refused.ts'
import { memoryPlace, type Place, postgresPlace, postgresServer } from './stores.ts'

const server = postgresServer()

function start(place: Place, options: { readonly shared?: boolean; readonly now?: () => number }) {
  const outbox = place.open()
  const keys = gatewayKeys({ outbox, ...options })
  onTestFinished(async () => {
    await keys.close()
    await outbox.close()
  })
  return keys
}

async function callerOf(keys: GatewayKeys, options: KeyOptions): Promise<Caller> {
  return await keys.authenticate((await keys.generate(options)).key)
}

/** How many of so many at once are let in. */
async function entered(
  count: number,
  enter: (index: number) => EnteredRequest | Promise<EnteredRequest>,
): Promise<readonly EnteredRequest[]> {
  const all = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => enter(index)),
  )
  for (const one of all) {
    if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(GatewayRefusal)
  }
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

const kinds = {
  'of a process': { place: memoryPlace, shared: false },
  'shared in Postgres': { place: () => postgresPlace(server), shared: true },
}

describe.each(Object.entries(kinds))('rates %s', (_, { place, shared }) => {
  test('requests: a minute’s worth at once, and then one each time there is room for it', async () => {
    let time = 1_790_000_000_000
    const keys = start(place(), { shared, now: () => time })
    const caller = await callerOf(keys, { requestsPerMinute: 6 })
    expect(await entered(10, () => keys.enter(caller))).toHaveLength(6)
    const refusal = await refused(() => keys.enter(caller))
    expect(refusal).toMatchObject({
      status: 429,
      code: 'rate_limited',
      retryAfterMs: 10_000,
      details: { limit: 'requests_per_minute', allowed: 6 },
    })
    time += 9_999
    expect((await refused(() => keys.enter(caller))).retryAfterMs).toBe(1)
    time += 1
    await keys.enter(caller)
    expect((await refused(() => keys.enter(caller))).retryAfterMs).toBe(10_000)
    // In the long run, as many a minute as it says.
    time += 3_600_000
    expect(await entered(10, () => keys.enter(caller))).toHaveLength(6)
  })

  test('tokens: what a call used beyond the limit delays the next one', async () => {
    let time = 1_790_000_000_000
    const keys = start(place(), { shared, now: () => time })
    const caller = await callerOf(keys, { tokensPerMinute: 1000 })
    const first = await keys.enter(caller)
    const second = await keys.enter(caller)
    first.leave(400)
    first.leave(400)
    const third = await keys.enter(caller)
    second.leave(2100)
    third.leave(undefined)
    const beyond = () => refused(() => keys.enter(caller))
    // Shared ones are written down a moment after a request is over.
    await expect.poll(async () => (await beyond()).retryAfterMs).toBe(90_001)
    expect(await beyond()).toMatchObject({
      status: 429,
      details: { limit: 'tokens_per_minute', allowed: 1000 },
    })
    time += 90_000
    expect(await beyond()).toMatchObject({ retryAfterMs: 1 })
    time += 1
    await keys.enter(caller)
  })

  test('parallel requests: as many as may be under way, whatever the others do', async () => {
    const keys = start(place(), { shared })
    const caller = await callerOf(keys, { parallelRequests: 3 })
    const running = await entered(8, () => keys.enter(caller))
    expect(running).toHaveLength(3)
    expect(await refused(() => keys.enter(caller))).toMatchObject({
      status: 429,
      details: { limit: 'parallel_requests', allowed: 3 },
    })
    running[0]?.leave(10)
    running[0]?.leave(10)
    await expect.poll(() => entered(2, () => keys.enter(caller))).toHaveLength(1)
  })

  test('a key without limits, and other keys, are not counted', async () => {
    const keys = start(place(), { shared })
    const limited = await callerOf(keys, { requestsPerMinute: 1 })
    await keys.enter(limited)
    const free = await callerOf(keys, {})
    expect(await entered(20, () => keys.enter(free))).toHaveLength(20)
    const other = await callerOf(keys, { requestsPerMinute: 1 })
    await keys.enter(other)
    expect(await refused(() => keys.enter(limited))).toMatchObject({ status: 429 })
  })

  test('another limit holds at once, over what was used under the one before', async () => {
    let time = 1_790_000_000_000
    const keys = start(place(), { shared, now: () => time })
    const { key } = await keys.generate({ requestsPerMinute: 2 })
    const enter = async () => keys.enter(await keys.authenticate(key))
    expect(await entered(3, enter)).toHaveLength(2)
    await keys.update(key, { requestsPerMinute: 5 })
    expect(await entered(5, enter)).toHaveLength(3)
  })
})

test('a limit that no process goes beyond is one of all of them', async () => {
  const place = postgresPlace(server)
  const processes = Array.from({ length: 3 }, () => start(place, { shared: true }))
  const made = await processes[0]?.generate({ requestsPerMinute: 30 })
  const parallel = await processes[0]?.generate({ parallelRequests: 10 })
  const callers = await Promise.all(processes.map((keys) => keys.authenticate(made?.key)))
  const others = await Promise.all(processes.map((keys) => keys.authenticate(parallel?.key)))
  const enterAs = (which: readonly Caller[]) => (index: number) => {
    const [keys, caller] = [processes[index % 3], which[index % 3]]
    if (keys === undefined || caller === undefined) throw new Error('no such process')
    return keys.enter(caller)
  }
  const [byRate, atOnce] = await Promise.all([
    entered(60, enterAs(callers)),
    entered(60, enterAs(others)),
  ])
  expect(byRate).toHaveLength(30)
  expect(atOnce).toHaveLength(10)
  for (const one of atOnce) one.leave(0)
  await expect.poll(() => entered(1, enterAs(others))).toHaveLength(1)
})

test('what a process that is gone had under way is forgotten after its lease', async () => {
  let time = 1_790_000_000_000
  const place = postgresPlace(server)
  const gone = start(place, { shared: true, now: () => time })
  const { key } = await gone.generate({ parallelRequests: 1 })
  await gone.enter(await gone.authenticate(key))
  const other = start(place, { shared: true, now: () => time })
  const caller = await other.authenticate(key)
  time += 59_000
  expect(await refused(() => other.enter(caller))).toMatchObject({ status: 429 })
  time += 1_001
  await other.enter(caller)
})

test('what is under way for long counts for as long as its process says so', async () => {
  let time = 1_790_000_000_000
  const now = () => time
  const place = postgresPlace(server)
  const limits = {
    id: 'k',
    requestsPerMinute: undefined,
    tokensPerMinute: undefined,
    parallelRequests: 2,
  }
  const open = () => {
    const outbox = place.open()
    const tables = openTables(outbox, rateTables)
    if (tables === undefined) throw new Error('no tables')
    const errors: unknown[] = []
    const options = { now, beatMs: 20, onError: (error: unknown) => errors.push(error) }
    const rates = new SharedRates(tables, options)
    onTestFinished(async () => {
      await rates.close()
      await outbox.close()
      expect(errors).toEqual([])
    })
    return rates
  }
  const [one, other] = [open(), open()]
  const first = await one.enter(limits)
  await one.enter(limits)
  for (let minute = 0; minute < 3; minute++) {
    // Long enough for a beat, at the time that it is by now.
    await new Promise((resolve) => setTimeout(resolve, 150))
    time += 59_000
    expect(await refused(() => other.enter(limits))).toMatchObject({ status: 429 })
  }
  first.leave(0)
  await expect.poll(() => entered(2, () => other.enter(limits))).toHaveLength(1)
})

test('rates that nobody can count let nobody in, and say so', async () => {
  const outbox = postgresPlace(server).open()
  const keys = gatewayKeys({ outbox, shared: true })
  const caller = await callerOf(keys, { requestsPerMinute: 5 })
  await outbox.close()
  expect(await refused(() => keys.enter(caller))).toMatchObject({
    status: 503,
    code: 'unavailable',
    retryAfterMs: 1000,
  })
  await keys.close()
})
