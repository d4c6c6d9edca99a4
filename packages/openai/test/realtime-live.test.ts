import OpenAI from 'openai'
import { SidebandWS } from 'openai/resources/live/sideband/ws'
import { LiveWS } from 'openai/resources/live/ws'
import { OpenAIRealtimeTranslationWS } from 'openai/realtime/translations/ws'
import { expect, it } from 'vitest'
import { startSocketRun, type SocketRun } from './realtime-server.ts'

let sessions = 0
const newSession = () => ({ id: `sess_live_${sessions++}`, model: 'gpt-live-1', status: 'active' })

const clientOf = (run: SocketRun) => new OpenAI({ apiKey: 'sk-test', baseURL: run.baseURL })
const openLive = (run: SocketRun) => run.wrap(new LiveWS(clientOf(run)))

const total = (seconds: unknown) => ({ type: 'session.usage.updated', usage: { seconds } })

const usage = { input_tokens: 50, output_tokens: 7, total_tokens: 57 }

it('bills the seconds of a Live session by the minute, and never twice', async () => {
  await using run = await startSocketRun()
  const rt = openLive(run)
  const session = newSession()
  await run.play(rt, [
    { type: 'session.started', session },
    total(0),
    total(61.1),
    total(61.1),
    total(0.5),
    total(123.3),
    { type: 'session.closed', session, usage: { seconds: 124.05 }, reason: 'close_requested' },
    { type: 'session.closed', session, usage: { seconds: 124.05 }, reason: 'close_requested' },
  ])
  expect(run.records.map(({ details }) => details.seconds)).toEqual([60, 60, 4.05])
  for (const record of run.records) {
    expect(record).toMatchObject({ endpoint: 'live', model: 'gpt-live-1', outcome: 'complete' })
    expect(Object.values(record.tokens)).toEqual([0, 0, 0, 0])
  }
  expect(run.records[1]?.raw).toEqual({ seconds: 123.3 })
  expect(run.errors).toEqual([])
  rt.close()
})

it('bills a session once that two connections see', async () => {
  const session = newSession()
  await using run = await startSocketRun()
  const primary = openLive(run)
  await run.play(primary, [{ type: 'session.started', session }, total(70)])
  await using other = await startSocketRun()
  const sideband = other.wrap(new SidebandWS(clientOf(other), { session_id: session.id }))
  await other.play(sideband, [{ type: 'session.updated', session }, total(70), total(130)])
  await run.play(primary, [total(130)])
  expect(run.records.map(({ details }) => details.seconds)).toEqual([60])
  expect(other.records.map(({ details }) => details.seconds)).toEqual([60])
  primary.close()
  sideband.close()
})

it('bills what a session delegates on the models that it delegates to', async () => {
  const session = newSession()
  const ids: string[][] = []
  for (const _ of ['primary', 'sideband']) {
    await using run = await startSocketRun()
    const rt = openLive(run)
    const nested = (delegation: string, event: object) => ({
      type: 'response.event',
      event_id: 'event_1',
      delegation_id: delegation,
      event,
    })
    const response = { id: 'resp_1', object: 'response', model: 'gpt-5.4', status: 'in_progress' }
    await run.play(rt, [
      { type: 'session.started', session },
      nested('d1', { type: 'response.created', response }),
      nested('d1', { type: 'response.output_text.delta', delta: 'words' }),
      nested('d1', {
        type: 'response.completed',
        response: { ...response, status: 'completed', usage },
      }),
      {
        type: 'decision.event',
        event_id: 'event_2',
        event: {
          type: 'decision.completed',
          decision: { model: 'gpt-5.4-mini', answers: [], usage },
        },
      },
    ])
    expect(run.records).toMatchObject([
      { endpoint: 'responses', model: 'gpt-5.4', tokens: { input: 50, output: 7 } },
      { endpoint: 'decisions', model: 'gpt-5.4-mini', tokens: { input: 50, output: 7 } },
    ])
    expect(run.errors).toEqual([])
    ids.push(run.records.map(({ id }) => id))
    rt.close()
  }
  expect(ids[1]).toEqual(ids[0])
})

it('reports odd seconds and bills none of them', async () => {
  await using run = await startSocketRun()
  const rt = openLive(run)
  await run.play(rt, [null, -1, 'x', {}].map(total))
  await run.play(rt, [{ type: 'session.usage.updated', usage: null }, total(2)])
  await run.play(rt, [{ type: 'session.closed' }])
  expect(run.records.map(({ details }) => details.seconds)).toEqual([2])
  expect(run.errors).toHaveLength(4)
  rt.close()
})

it('says that a translation session reports no usage, and leaves it alone', async () => {
  await using run = await startSocketRun()
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: run.baseURL.replace('http', 'https') })
  const rt = await OpenAIRealtimeTranslationWS.create(client, {
    model: 'gpt-realtime-translate',
    options: run.withoutTls,
  })
  expect(run.wrap(rt)).toBe(rt)
  run.wrap(rt)
  expect(run.errors.map(({ message }) => message)).toEqual([
    expect.stringContaining('translation sessions'),
  ])
  rt.on('error', () => {})
  rt.close()
})
