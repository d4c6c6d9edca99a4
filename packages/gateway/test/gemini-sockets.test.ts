import { GoogleGenAI } from '@google/genai'
import { RefusedError, watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { callerKeys, closed, startSocketRun, type SocketRun, upstreamKey } from './socket-run.ts'

const usageMetadata = { promptTokenCount: 20, responseTokenCount: 5, totalTokenCount: 25 }
const said = { serverContent: { modelTurn: { parts: [{ text: 'Hello there' }] } } }
const over = { serverContent: { turnComplete: true }, usageMetadata }
const path = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent'

/** Answers the set-up, and then each message with a turn. Google's frames are bytes. */
function answering(socket: WebSocket): void {
  const say = (message: object) => socket.send(Buffer.from(JSON.stringify(message)))
  socket.once('message', () => {
    say({ setupComplete: {} })
    socket.on('message', () => {
      say(said)
      say(over)
    })
  })
}

async function connect({ port }: SocketRun, key = 'tm-canary', base = '') {
  const messages: object[] = []
  const ai = new GoogleGenAI({
    apiKey: key,
    httpOptions: { baseUrl: `http://127.0.0.1:${port}${base}` },
  })
  let end: { code: number; reason: string } | undefined
  const session = await ai.live.connect({
    model: 'gemini-live',
    callbacks: {
      onmessage: (message) => void messages.push({ ...message }),
      onclose: ({ code, reason }) => void (end = { code, reason }),
    },
  })
  return { session, messages, end: () => end }
}

describe("Gemini's Live API through the gateway", () => {
  test.each(['', '/gemini'])('the SDK at "%s": each turn is a record', async (base) => {
    const guard = watchedGuard()
    const outbox = watchedOutbox()
    await using run = await startSocketRun({
      serve: answering,
      guard,
      outbox,
      gateway: { keys: callerKeys({ pools: ['team_7'] }) },
    })
    const { session, messages, end } = await connect(run, 'tm-canary', base)
    for (const turn of [1, 2]) {
      session.sendClientContent({ turns: 'hi' })
      await run.until(() => run.records.length === turn, 'the turn is recorded')
    }
    await run.until(() => messages.length === 5, 'all of it has come')
    session.close()
    await run.until(() => end() !== undefined && run.entries.length === 1, 'it is over')
    expect(run.records).toMatchObject([
      {
        endpoint: 'live',
        provider: 'google',
        model: 'gemini-live',
        customer: 'cus_1',
        tokens: { input: 20, cachedInput: 0, cachedWrite: 0, output: 5 },
        outcome: 'complete',
      },
      { endpoint: 'live' },
    ])
    expect(messages).toEqual([{ setupComplete: {} }, said, over, said, over])
    expect(guard.asked).toMatchObject([
      { model: 'gemini-live', pools: ['team_7'] },
      { model: 'gemini-live' },
    ])
    expect(guard.ends).toEqual([['settled'], ['settled']])
    expect(outbox.appends.map(({ holdIds }) => holdIds)).toEqual([['hold_1'], ['hold_2']])
    expect(run.entries).toMatchObject([{ status: 101, model: 'gemini-live', tokens: 50 }])
    const [{ headers = {}, url = '' } = {}] = run.requests
    expect(url).toMatch(/^\/ws\/google\.ai\.\w+\.v1\w*\.GenerativeService\.BidiGenerateContent$/)
    expect(headers).toMatchObject({ 'x-goog-api-key': upstreamKey })
    expect(JSON.stringify([headers, url, run.entries])).not.toContain('canary')
    expect(run.errors).toEqual([])
    expect(run.faults).toEqual([])
  })

  test('a turn that breaks off is an estimate', async () => {
    await using run = await startSocketRun({
      serve: (socket) => void socket.once('message', () => socket.send(JSON.stringify(said))),
    })
    const caller = await run.open(path)
    caller.send('{"setup":{"model":"models/gemini-live"}}')
    await run.until(() => run.upstreams.length === 1, 'it is open')
    await new Promise((resolve) => caller.once('message', resolve))
    caller.terminate()
    await run.until(() => run.records.length === 1, 'it is recorded')
    expect(run.records).toMatchObject([{ outcome: 'estimated', model: 'gemini-live' }])
  })

  test('a session that the guard refuses is closed before its set-up is passed on', async () => {
    const above: string[] = []
    await using run = await startSocketRun({
      guard: watchedGuard(() => Promise.reject(new RefusedError())),
      serve: (socket) => void socket.on('message', (data) => void above.push(String(data))),
    })
    const caller = await run.open(path)
    const end = closed(caller)
    caller.send('{"setup":{"model":"models/gemini-live"}}')
    expect(await end).toEqual({ code: 4402, reason: 'insufficient_credits' })
    expect(above).toEqual([])
    await run.until(() => run.entries.length === 1, 'it is over')
    expect(run.entries).toMatchObject([{ refusal: 'insufficient_credits' }])
  })

  test('a model that the key may not ask', async () => {
    await using run = await startSocketRun({
      gateway: { keys: callerKeys({ models: new Set(['gemini-live']) }) },
    })
    const caller = await run.open(path)
    const end = closed(caller)
    caller.send('{"setup":{"model":"models/gemini-other"}}')
    expect(await end).toMatchObject({ code: 1008, reason: 'forbidden' })
  })
})
