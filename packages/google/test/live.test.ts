import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { RefusedError, watchedGuard } from '@token-meter/testkit/internal'
import { startMetered, until } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const usageMetadata = {
  promptTokenCount: 20,
  responseTokenCount: 5,
  totalTokenCount: 25,
  promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 12 }],
  responseTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
}
const said = { serverContent: { modelTurn: { parts: [{ text: 'Hello there' }] } } }
const turnOver = { serverContent: { turnComplete: true } }
const counted = { input: 20, cachedInput: 0, cachedWrite: 0, output: 5 }

/** A real server that answers each message of the client with the next script. */
async function startLive(scripts: readonly (readonly object[])[]) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const waiting = [...scripts]
  server.on('connection', (socket) => {
    socket.once('message', () => {
      socket.send(JSON.stringify({ setupComplete: {} }))
      socket.on('message', () => {
        for (const message of waiting.shift() ?? []) socket.send(JSON.stringify(message))
      })
    })
  })
  const { port } = server.address() as AddressInfo
  return {
    httpOptions: { baseUrl: `http://127.0.0.1:${port}` },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each(sdkMajors)('Live sessions of genai $major', ({ major, GoogleGenAI }) => {
  async function play(scripts: readonly (readonly object[])[], turns: number) {
    await using server = await startLive(scripts)
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
    })
    const messages: object[] = []
    const selves = new Set<unknown>()
    const callbacks = {
      onmessage(this: unknown, message: object) {
        selves.add(this)
        messages.push({ ...message })
      },
      onclose() {
        messages.push({ closed: true })
      },
    }
    const session = await run.metered.live.connect({ model: 'gemini-live', callbacks })
    let seen = 0
    for (let turn = 0; turn < turns; turn++) {
      seen += scripts[turn]?.length ?? 0
      session.sendClientContent({ turns: 'hi' })
      await until(
        () => messages.filter((each) => !('setupComplete' in each)).length >= seen,
        'the turn is over',
      )
    }
    session.close()
    await until(() => messages.some((each) => 'closed' in each), 'the session is closed')
    return { records: [...run.records], errors: [...run.errors], messages, selves, callbacks }
  }

  test('a session with a gateway of one’s own is not recorded here', async () => {
    const messages: object[] = []
    await using server = await startLive([[said, { ...turnOver, usageMetadata }]])
    vi.stubEnv('TOKEN_METER_GATEWAY', server.httpOptions.baseUrl)
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
    })
    const onmessage = (message: object) => void messages.push(message)
    const connecting = run.metered.live.connect({ model: 'm', callbacks: { onmessage } })
    const session = await connecting.finally(() => vi.unstubAllEnvs())
    session.sendClientContent({ turns: 'hi' })
    await until(() => messages.some((each) => 'usageMetadata' in each), 'the turn is over')
    session.close()
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('each turn is a record, with its responseTokenCount', async () => {
    const turn = [said, { ...turnOver, usageMetadata }]
    const { records, errors, messages, selves, callbacks } = await play([turn, turn], 2)
    expect(records).toMatchObject([
      {
        endpoint: 'live',
        customer: 'cus_1',
        model: 'gemini-live',
        tokens: counted,
        details: { audioInput: 12, audioOutput: 5 },
        raw: usageMetadata,
        outcome: 'complete',
      },
      { tokens: counted },
    ])
    expect(errors).toEqual([])
    expect(messages.filter((each) => !('setupComplete' in each))).toEqual([
      ...turn,
      ...turn,
      { closed: true },
    ])
    // SDK 1 takes its function off the object.
    expect([...selves]).toEqual([major === 1 ? undefined : callbacks])
  })

  test('usage behind the end of its turn, and usage before a call of a tool', async () => {
    const scripts = [
      [said, turnOver, { usageMetadata }],
      [{ toolCall: { functionCalls: [] }, usageMetadata }],
      [said, { ...turnOver, usageMetadata }],
    ]
    expect((await play(scripts, 3)).records.map(({ tokens }) => tokens)).toEqual([
      counted,
      counted,
      counted,
    ])
  })

  test('a session that ends in the middle of a turn is a flagged estimate', async () => {
    const { records } = await play([[said]], 1)
    expect(records).toMatchObject([{ endpoint: 'live', outcome: 'estimated' }])
  })

  test('a session that nobody pays for is refused before it begins', async () => {
    await using run = await startMetered(GoogleGenAI, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const connecting = run.metered.live.connect({ model: 'm', callbacks: { onmessage() {} } })
    await expect(connecting).rejects.toMatchObject({ code: 'missing-customer' })
  })

  test('a session that a guard refuses is not opened', async () => {
    await using server = await startLive([])
    const guard = watchedGuard(() => Promise.reject(new RefusedError()))
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
      guard,
    })
    const connecting = run.metered.live.connect({ model: 'm', callbacks: { onmessage() {} } })
    await expect(connecting).rejects.toBeInstanceOf(RefusedError)
    expect(guard.asked[0]?.bounds().beyond).toEqual(['media', 'history', 'unread'])
    expect(run.records).toEqual([])
  })

  test('what a session is held for is settled by its first turn, or given back', async () => {
    await using server = await startLive([[said, { ...turnOver, usageMetadata }]])
    const guard = watchedGuard()
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
      guard,
    })
    const connect = () =>
      run.metered.live.connect({ model: 'gemini-live', callbacks: { onmessage() {} } })
    const session = await connect()
    session.sendClientContent({ turns: 'hi' })
    await until(() => run.records.length === 1, 'the turn is recorded')
    session.close()
    const silent = await connect()
    silent.close()
    await until(() => guard.ends.every((ends) => ends.length > 0), 'both are over')
    expect(guard.ends).toEqual([['settled'], ['released']])
  })

  test('each turn has a hold of its own; a refusal closes the session, and what was used is recorded', async () => {
    const turn = [said, { ...turnOver, usageMetadata }]
    await using server = await startLive([turn, [...turn, { sessionResumptionUpdate: {} }], [said]])
    const guard = watchedGuard(() =>
      guard.asked.length > 2 ? Promise.reject(new RefusedError()) : undefined,
    )
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
      guard,
    })
    const closed: { code: number; reason: string }[] = []
    const session = await run.metered.live.connect({
      model: 'gemini-live',
      callbacks: {
        onmessage() {},
        onclose: ({ code, reason }) => void closed.push({ code, reason }),
      },
    })
    for (const turns of [1, 2]) {
      session.sendClientContent({ turns: 'hi' })
      await until(() => run.records.length === turns, 'the turn is recorded')
    }
    expect(guard.asked).toHaveLength(2)
    expect(guard.ends).toEqual([['settled'], ['settled']])
    session.sendClientContent({ turns: 'hi' })
    await until(() => closed.length > 0, 'it is closed')
    expect(closed).toEqual([{ code: 4402, reason: 'insufficient_credits' }])
    await until(() => run.records.length === 3, 'what was used is recorded')
    expect(run.records[2]).toMatchObject({ outcome: 'estimated', customer: 'cus_1' })
    expect(guard.ends).toEqual([['settled'], ['settled']])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/closed with the code 4402/),
    ])
  })

  test('a turn whose hold may not grow closes the session', async () => {
    const long = {
      serverContent: { modelTurn: { parts: [{ text: 'five words of text '.repeat(60) }] } },
    }
    await using server = await startLive([[long]])
    const guard = watchedGuard()
    guard.progress = () => Promise.reject(new RefusedError())
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
      guard,
    })
    let code = 0
    const session = await run.metered.live.connect({
      model: 'gemini-live',
      callbacks: { onmessage() {}, onclose: (event) => void (code = event.code) },
    })
    session.sendClientContent({ turns: 'hi' })
    await until(() => code !== 0, 'it is closed')
    expect(code).toBe(4402)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(guard.ends).toEqual([['settled']])
  })

  test('a session of music works, and is said not to be metered', async () => {
    await using server = await startLive([[{ serverContent: { audioChunks: [] } }]])
    await using run = await startMetered(GoogleGenAI, {
      client: { httpOptions: server.httpOptions },
    })
    const messages: object[] = []
    const session = await run.metered.live.music.connect({
      model: 'models/lyria',
      callbacks: { onmessage: (message) => void messages.push(message) },
    })
    session.play()
    await until(() => messages.length > 1, 'the music plays')
    session.close()
    expect(run.records).toEqual([])
    // Once in the process, so the first major hears it.
    if (major === 1) expect(run.errors[0]?.message).toMatch(/live\.music.*not metered/)
  })
})
