import { describe, expect, it, vi } from 'vitest'
import {
  createMeter,
  memoryOutbox,
  meter,
  meterRealtime,
  openaiProvider,
  type UsageRecord,
} from '../src/index.ts'
import { until } from './metered.ts'
import { responseCreated, responseDone, sessionCreated } from './realtime-events.ts'
import { startSocketRun } from './realtime-server.ts'
import { openRealtime, realtimeSockets } from './realtime-sockets.ts'

describe.each(realtimeSockets)('a metered realtime socket of SDK $name', ({ open }) => {
  it('rejects an error that nobody listens for, as the raw one does, and emits one that somebody does', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(open(run))
    const rejected: unknown[] = []
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    const reject = (error: unknown) => void rejected.push(error)
    process.on('unhandledRejection', reject)
    try {
      const error = { type: 'error', error: { message: 'no', type: 'invalid', code: 'x' } }
      await run.play(rt, [error])
      await until(() => rejected.length > 0, 'the error is rejected')
      const heard: unknown[] = []
      rt.on('error', (event) => void heard.push(event))
      await run.play(rt, [error])
      expect(heard).toHaveLength(1)
      expect(rejected).toHaveLength(1)
    } finally {
      process.off('unhandledRejection', reject)
      for (const listener of others) process.on('unhandledRejection', listener)
    }
  })

  it('leaves the application its own listeners, and their removal', async () => {
    await using run = await startSocketRun()
    const raw = open(run)
    const keys = Reflect.ownKeys(raw)
    const rt = run.wrap(raw)
    expect(Reflect.ownKeys(rt)).toEqual(keys)
    const seen: string[] = []
    const listener = ({ type }: { type: string }) => void seen.push(type)
    rt.on('event', listener)
    rt.once('response.done', listener)
    await run.play(rt, [responseDone('resp_1')])
    rt.off('event', listener)
    await run.play(rt, [responseDone('resp_2')])
    expect(seen.slice(0, 2)).toEqual(['response.done', 'response.done'])
    expect(seen.filter((type) => type === 'response.done')).toHaveLength(2)
    expect(run.records).toHaveLength(2)
  })
})

const odd = [undefined, null, 0, -1, 1.5, 1e300, Number.NaN, '7', 'text', true, [], {}, [null]]

describe('odd things', () => {
  it('never reach the socket, whatever the usage is', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    const events = odd.flatMap((value, index) => [
      responseDone(`a${index}`, value),
      responseDone(`b${index}`, { input_tokens: value, output_tokens: value }),
      responseDone(`c${index}`, { input_token_details: value, output_token_details: value }),
      responseDone(value as string),
      { type: 'response.created', response: value },
      { type: 'response.done', response: value },
      { type: 'session.updated', session: value },
      { type: 'session.updated', session: { model: value, audio: value, instructions: value } },
      { type: 'conversation.item.added', item: value },
      { type: 'response.output_text.delta', response_id: value, delta: value },
      {
        type: 'conversation.item.input_audio_transcription.completed',
        item_id: value,
        transcript: value,
        usage: value,
      },
    ])
    await run.play(rt, events)
    for (const { tokens } of run.records) {
      for (const count of Object.values(tokens)) expect(Number.isSafeInteger(count)).toBe(true)
    }
    expect(run.records.length).toBeGreaterThan(20)
    const faults = run.errors.filter(({ message }) => message.includes('could not be'))
    expect(faults).toEqual([])
  })

  it('keep the conversation to themselves', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    rt.on('error', () => {})
    const secret = 'SECRET words'
    await run.play(rt, [
      { type: 'session.created', session: { instructions: secret, model: 'gpt-realtime' } },
      { type: 'conversation.item.added', item: { content: [{ type: 'text', text: secret }] } },
      responseCreated('resp_1', { instructions: secret }),
      { type: 'response.output_text.delta', response_id: 'resp_1', delta: secret },
      responseDone('resp_1', { input_tokens: 'SECRET', output_tokens: [] }),
      {
        type: 'conversation.item.input_audio_transcription.completed',
        item_id: 'item_1',
        transcript: secret,
        usage: { type: 'tokens', input_tokens: -1 },
      },
      responseCreated('resp_2'),
      { type: 'response.output_text.delta', response_id: 'resp_2', delta: secret },
    ])
    rt.close()
    await until(() => run.records.length === 3, 'the socket is closed')
    const [{ raw: _, ...first } = { raw: null }, ...rest] = run.records
    expect(JSON.stringify([first, rest])).not.toContain('SECRET')
    expect(run.errors.length).toBeGreaterThan(0)
    expect(run.errors.map(String).join()).not.toContain('SECRET')
  })
})

describe('meterRealtime()', () => {
  it('twice on a socket meters once, for the customer named last', async () => {
    await using run = await startSocketRun()
    const rt = openRealtime(run)
    run.wrap(run.wrap(rt, 'cus_1'), 'cus_2')
    await run.play(rt, [responseDone('resp_1')])
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2'])
  })

  it('twice on a socket, by two meters, records with the last one', async () => {
    await using run = await startSocketRun()
    await using other = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
    const rt = openRealtime(run)
    meterRealtime(rt, 'cus_1', { meter: other })
    run.wrap(rt, 'cus_2')
    await run.play(rt, [responseDone('resp_1')])
    expect(run.records).toHaveLength(1)
    expect((await other.stats()).recorded).toBe(0)
  })

  it('is what meter() does with a socket', async () => {
    await using run = await startSocketRun()
    const raw = openRealtime(run)
    const rt = run.meter(raw, 'cus_1', { attributes: { feature: 'voice' }, provider: 'acme' })
    expect(rt).toBe(raw)
    await run.play(rt, [sessionCreated, responseDone('resp_1')])
    expect(run.records).toMatchObject([{ provider: 'acme', attributes: { feature: 'voice' } }])
  })

  it('asks who pays for each response, by what the response says of itself', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run), ({ body }) => body.metadata?.customer)
    await run.play(rt, [
      responseCreated('resp_1', { metadata: { customer: 'cus_a' } }),
      responseDone('resp_1'),
      responseCreated('resp_2', { metadata: { customer: 'cus_b' } }),
      responseDone('resp_2'),
    ])
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_a', 'cus_b'])
  })

  it('bills whom withCustomer() named around it, not around the connection or the events', async () => {
    await using run = await startSocketRun()
    const { meter } = run
    const rt = meter.withCustomer('cus_connection', () => openRealtime(run))
    meter.withCustomer('cus_wrap', () => run.wrap(rt, () => undefined))
    await meter.withCustomer('cus_event', () => run.play(rt, [responseDone('resp_1')]))
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_wrap'])
  })

  it('cannot refuse: what nobody pays for is kept and reported', async () => {
    await using run = await startSocketRun({ onMissingCustomer: 'throw' })
    const rt = run.wrap(openRealtime(run), () => undefined)
    await run.play(rt, [responseDone('resp_1')])
    expect(run.records.map(({ customer }) => customer)).toEqual([null])
    expect(run.errors.map(({ name }) => name)).toEqual(['MissingCustomerError'])
  })

  it('configures itself where it is given no meter', async () => {
    await using run = await startSocketRun()
    vi.stubEnv('TOKEN_METER_OUTBOX', 'memory:')
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const records: UsageRecord[] = []
      meter.on('usage', (record) => void records.push(record))
      const rt = meterRealtime(openRealtime(run), 'cus_1')
      await run.play(rt, [responseDone('resp_1')])
      expect(records.map(({ customer }) => customer)).toEqual(['cus_1'])
    } finally {
      await meter.close().catch(() => {})
      warn.mockRestore()
      vi.unstubAllEnvs()
    }
  })

  it('says what to pass where it is given something else', async () => {
    await using run = await startSocketRun()
    const rt = openRealtime(run)
    await run.play(rt, [])
    for (const wrong of [undefined, null, 'socket', {}, new Map(), rt.socket, () => {}]) {
      expect(() => meterRealtime(wrong as never, 'cus_1', { meter: run.meter })).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          message: expect.stringContaining('expected a socket of the openai package'),
        }),
      )
    }
    expect(() => run.wrap(rt, '')).toThrow(TypeError)
  })
})
