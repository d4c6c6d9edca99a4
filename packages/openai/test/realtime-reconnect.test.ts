import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { responseCreated, responseDone, textDelta } from './realtime-events.ts'
import { ScriptedSocket } from './scripted-socket.ts'

/** Longer than a lost response or session is waited for. */
const longMs = 100_000

let calls = 0

function startRun() {
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return { meter, records, errors }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const counted = { outcome: 'complete', tokens: { input: 68, cachedInput: 64, output: 121 } }

describe('a response whose sideband connection is lost', () => {
  const openSideband = ({ meter }: ReturnType<typeof startRun>, call: string) =>
    meter(new ScriptedSocket(`wss://api.openai.com/v1/realtime?call_id=${call}`), 'cus_1')
  const cutResponse = (run: ReturnType<typeof startRun>) => {
    const call = `rtc_reconnect_${calls++}`
    const first = openSideband(run, call)
    first.play(responseCreated('resp_1'), textDelta('resp_1', 'some words'))
    first.emit('close')
    return { call, first }
  }

  it('is billed by its exact usage, which the next connection brings', async () => {
    const run = startRun()
    const { call } = cutResponse(run)
    expect(run.records).toEqual([])
    openSideband(run, call).play(responseDone('resp_1'))
    vi.advanceTimersByTime(longMs)
    expect(run.records).toMatchObject([counted])
    await run.meter.close()
    expect(run.records).toHaveLength(1)
    expect(run.errors).toEqual([])
  })

  it('is billed by its exact usage, which the same connection brings when it is back', () => {
    const run = startRun()
    const { first } = cutResponse(run)
    first.play(responseDone('resp_1'))
    vi.advanceTimersByTime(longMs)
    expect(run.records).toMatchObject([counted])
  })

  it('is an estimate under an id of its own when nobody brings it in time, and is not billed again', () => {
    const run = startRun()
    const { call } = cutResponse(run)
    vi.advanceTimersByTime(longMs)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    openSideband(run, call).play(responseDone('resp_1'))
    expect(run.records).toHaveLength(1)

    // Another process knows nothing of the estimate: the exact record must not get its id.
    const other = startRun()
    openSideband(other, `${call}x`).play(responseDone('resp_1'))
    const ids = [...run.records, ...other.records].map(({ id }) => id)
    expect(ids[0]?.[14]).toBe('7')
    expect(ids[1]?.[14]).toBe('5')
  })

  it('is an estimate when the meter is closed before', async () => {
    const run = startRun()
    cutResponse(run)
    await run.meter.close().catch(() => {})
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    vi.advanceTimersByTime(longMs)
    expect(run.records).toHaveLength(1)
    expect(run.errors).toEqual([])
  })

  it('is billed once when several connections lose it', () => {
    const run = startRun()
    const { call, first } = cutResponse(run)
    first.emit('close')
    const second = openSideband(run, call)
    second.play(responseCreated('resp_1'))
    second.emit('close')
    vi.advanceTimersByTime(longMs)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })

  it('bills nothing more when another connection has brought its usage before', () => {
    const run = startRun()
    const call = `rtc_reconnect_${calls++}`
    const first = openSideband(run, call)
    first.play(responseCreated('resp_1'))
    openSideband(run, call).play(responseDone('resp_1'))
    first.emit('close')
    vi.advanceTimersByTime(longMs)
    expect(run.records).toMatchObject([counted])
  })
})

it('holds what a Live session has delegated likewise', () => {
  const run = startRun()
  const session = { id: `sess_reconnect_${calls++}`, model: 'gpt-live-1' }
  const response = { id: `resp_${session.id}`, model: 'gpt-5.4', status: 'in_progress' }
  const usage = { input_tokens: 50, output_tokens: 7, total_tokens: 57 }
  const nested = (event: object) => ({ type: 'response.event', delegation_id: 'd', event })
  const open = () => run.meter(new ScriptedSocket('wss://api.openai.com/v1/live/sessions'), 'cus_1')
  const first = open()
  first.play({ type: 'session.started', session }, nested({ type: 'response.created', response }))
  first.emit('close')
  expect(run.records).toEqual([])
  const done = { ...response, status: 'completed', usage }
  open().play(nested({ type: 'response.completed', response: done }))
  vi.advanceTimersByTime(longMs)
  expect(run.records).toMatchObject([{ outcome: 'complete', tokens: { input: 50, output: 7 } }])
})

describe('the seconds of a Live session', () => {
  const total = (seconds: unknown) => ({ type: 'session.usage.updated', usage: { seconds } })
  const newSession = () => ({ id: `sess_grid_${calls++}`, model: 'gpt-live-1' })
  const openLive = ({ meter }: ReturnType<typeof startRun>, session: object) => {
    const socket = new ScriptedSocket('wss://api.openai.com/v1/live/sessions')
    meter(socket, 'cus_1').play({ type: 'session.started', session })
    return socket
  }
  const seconds = (records: readonly UsageRecord[]) => records.map(({ details }) => details.seconds)

  it('are billed when their minute is over, and the rest with the session', () => {
    const run = startRun()
    const session = newSession()
    const socket = openLive(run, session)
    socket.play(total(0), total(59.9), total(60.1), total(60.1), total(30), total(185))
    expect(seconds(run.records)).toEqual([60, 60, 60])
    const closed = { type: 'session.closed', session, usage: { seconds: 186.5 } }
    socket.play(closed, closed)
    socket.emit('close')
    vi.advanceTimersByTime(longMs)
    expect(seconds(run.records)).toEqual([60, 60, 60, 6.5])
    expect(run.errors).toEqual([])
  })

  it('are billed once by two processes, whichever of them sees a total', async () => {
    const session = newSession()
    const run = startRun()
    const socket = openLive(run, session)
    socket.play(total(10), total(70), total(80))

    vi.resetModules()
    const copy = await import('../src/index.ts')
    const meter = copy.createMeter({
      providers: [copy.openaiProvider],
      outbox: copy.memoryOutbox(),
    })
    const others: UsageRecord[] = []
    meter.on('usage', (record) => void others.push(record))
    const other = new ScriptedSocket('wss://api.openai.com/v1/live/sessions')
    meter(other, 'cus_1').play({ type: 'session.updated', session }, total(80), total(130))
    other.play({ type: 'session.closed', session, usage: { seconds: 140 } })

    // The first one lost it at 80 seconds, and does not know that the other goes on.
    socket.emit('close')
    vi.advanceTimersByTime(longMs)
    // In the order in which one outbox would get them, which keeps the first of an id.
    const [early, ...late] = run.records
    const billed = new Map<string, number>()
    for (const { id, details } of [...(early ? [early] : []), ...others, ...late]) {
      if (!billed.has(id)) billed.set(id, details.seconds ?? 0)
    }
    expect(others.length + run.records.length).toBeGreaterThan(billed.size)
    expect([...billed.values()].reduce((sum, part) => sum + part, 0)).toBe(140)
  })

  it('are held when the connection is lost, until somebody takes the session up', () => {
    const run = startRun()
    const session = newSession()
    const first = openLive(run, session)
    first.play(total(30))
    first.emit('close')
    const second = openLive(run, session)
    vi.advanceTimersByTime(longMs)
    expect(run.records).toEqual([])
    second.play(total(45))
    second.emit('close')
    vi.advanceTimersByTime(longMs)
    expect(seconds(run.records)).toEqual([45])
  })

  it('are billed with the meter when it is closed', async () => {
    const run = startRun()
    const socket = openLive(run, newSession())
    socket.play(total(30))
    socket.emit('close')
    await run.meter.close().catch(() => {})
    expect(seconds(run.records)).toEqual([30])
  })

  it('are not believed, and reported, when they grow by more than a day at once', () => {
    const run = startRun()
    const socket = openLive(run, newSession())
    socket.play(total(1e15), total(61))
    expect(seconds(run.records)).toEqual([60])
    expect(run.errors).toHaveLength(1)
  })
})
