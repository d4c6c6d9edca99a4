import { RefusedError, watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { until } from './metered.ts'
import { responseCreated, responseDone, sessionCreated, textDelta } from './realtime-events.ts'
import { startSocketRun } from './realtime-server.ts'
import { realtimeSockets } from './realtime-sockets.ts'

describe.each(realtimeSockets)('a realtime socket of SDK $name under a guard', ({ open }) => {
  test('each response has a hold of its own, which its end settles', async () => {
    const guard = watchedGuard()
    const outbox = watchedOutbox()
    await using run = await startSocketRun({ guard, outbox })
    const rt = run.wrap(open(run), 'cus_1', { pools: ['team_7'] })
    await run.play(rt, [sessionCreated, responseCreated('resp_1')])
    expect(guard.asked).toMatchObject([{ customer: 'cus_1', pools: ['team_7'] }])
    expect(guard.ends).toEqual([[]])
    await run.play(rt, [responseDone('resp_1'), responseCreated('resp_2'), responseDone('resp_2')])
    expect(guard.ends).toEqual([['settled'], ['settled']])
    expect(outbox.appends).toEqual([
      { records: 1, holdIds: ['hold_1'] },
      { records: 1, holdIds: ['hold_2'] },
    ])
  })

  test('a refusal closes it, and what was used until then is recorded', async () => {
    const guard = watchedGuard(() => {
      if (guard.asked.length > 1) throw new RefusedError()
    })
    await using run = await startSocketRun({ guard, outbox: watchedOutbox() })
    const rt = run.wrap(open(run))
    rt.on('error', () => {})
    const closed = new Promise<{ code: number; reason: string }>((resolve) => {
      const socket = rt.socket as unknown as WebSocket
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
    await run.play(rt, [sessionCreated, responseCreated('resp_1'), responseDone('resp_1')])
    const [connection] = run.connections
    for (const event of [responseCreated('resp_2'), textDelta('resp_2', 'x'.repeat(400))]) {
      connection?.send(JSON.stringify(event))
    }
    expect(await closed).toEqual({ code: 4402, reason: 'insufficient_credits' })
    await until(() => run.records.length === 2, 'what was used is recorded')
    expect(guard.ends).toEqual([['settled']])
    expect(run.errors.map(({ message }) => message).join()).toMatch(/closed with the code 4402/)
  })
})
