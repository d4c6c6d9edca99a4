import { describe, expect, test, vi } from 'vitest'
import { sdkMajors, type SdkClient } from './sdk-majors.ts'
import { settled, sideBySide } from './side-by-side.ts'

type SocketCallbacks = Record<
  'onopen' | 'onmessage' | 'onerror' | 'onclose',
  (this: unknown, event?: unknown) => void
>

/** A socket that never leaves the process, in place of the one that the SDK's factory makes. */
function fakeSocket(client: SdkClient) {
  const sent: unknown[] = []
  let given: SocketCallbacks | undefined
  const send = (text: string) => {
    sent.push(text)
    if (text.includes('"setup"')) setTimeout(() => message({ setupComplete: { sessionId: 's' } }))
  }
  const socket = { name: 'socket', send, close() {} }
  const connect = () => setTimeout(() => given?.onopen.call(socket))
  const message = (json: object) =>
    given?.onmessage.call(socket, { data: JSON.stringify(json) } as never)
  const { webSocketFactory } = client.live as unknown as {
    webSocketFactory: { create(...args: unknown[]): unknown }
  }
  const create = vi.spyOn(webSocketFactory, 'create').mockImplementation((...args) => {
    given = args[2] as SocketCallbacks
    return { ...socket, connect }
  })
  const fire = (name: keyof SocketCallbacks, event: object) => {
    try {
      given?.[name].call(socket, event)
      return 'done'
    } catch (error) {
      return (error as Error).message
    }
  }
  const urls = () => create.mock.calls.map(([url, headers]) => [url, headers])
  const types = () => Object.entries(given ?? {}).map(([name, value]) => [name, typeof value])
  return { sent, message, fire, urls, types }
}

const model = 'gemini-live'
const usageMetadata = { promptTokenCount: 20, responseTokenCount: 5, totalTokenCount: 25 }
const turn = { serverContent: { modelTurn: { parts: [{ text: 'Hi' }] } } }
const over = { serverContent: { turnComplete: true }, usageMetadata }
const soon = () => new Promise((resolve) => setTimeout(resolve, 5))

describe.each(sdkMajors)('callbacks of a Live session of genai $major', ({ GoogleGenAI }) => {
  test('come in their order, with what they are called on', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const fake = fakeSocket(client)
      const seen: unknown[] = []
      const nameOf = (self: unknown) =>
        self === callbacks ? 'callbacks' : ((self as { name?: string } | undefined)?.name ?? self)
      const callbacks = {
        onopen: vi.fn(function (this: unknown) {
          seen.push(['open', nameOf(this)])
        }),
        onmessage: vi.fn(function (this: unknown, message: object) {
          seen.push(['message', nameOf(this), { ...message }, message.constructor.name])
        }),
        onerror: vi.fn(function (this: unknown, event: object) {
          seen.push(['error', nameOf(this), event])
        }),
        onclose: vi.fn(function (this: unknown, event: object) {
          seen.push(['close', nameOf(this), event])
        }),
      }
      const session = await client.live.connect({ model, callbacks } as never)
      for (const message of [turn, over, turn, over]) fake.message(message)
      await soon()
      session.sendClientContent({ turns: 'hello' })
      session.sendRealtimeInput({ text: 'x' })
      fake.fire('onerror', { message: 'e' })
      fake.fire('onclose', { code: 1000 })
      return [seen, fake.sent, fake.urls(), Object.keys(session), session.constructor.name]
    })
    expect(records.map(({ tokens }) => tokens.output)).toEqual([5, 5])
  })

  test('that are missing are the ones of the SDK', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const fake = fakeSocket(client)
      await client.live.connect({ model, callbacks: { onmessage() {} } })
      return [
        fake.types(),
        fake.fire('onclose', { code: 1 }),
        fake.fire('onerror', { message: 'e' }),
      ]
    })
  })

  test('that throw, throw where they did', async () => {
    const rejections: unknown[] = []
    const listen = (error: unknown) => void rejections.push((error as Error).message)
    process.on('unhandledRejection', listen)
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      rejections.length = 0
      const fake = fakeSocket(client)
      const fail = (what: string) => () => {
        throw new Error(`of ${what}`)
      }
      const callbacks = {
        onmessage: fail('message'),
        onclose: fail('close'),
        onerror: fail('error'),
      }
      await client.live.connect({ model, callbacks }).catch(() => {})
      fake.message(over)
      await soon()
      const thrown = [fake.fire('onclose', { code: 1 }), fake.fire('onerror', { message: 'e' })]
      return [thrown, [...rejections]]
    })
    process.off('unhandledRejection', listen)
    expect(records).toMatchObject([{ tokens: { input: 20, output: 5 } }])
  })

  test('keys, ephemeral tokens and refused parameters', async () => {
    for (const apiKey of ['key', 'auth_tokens/t']) {
      await sideBySide(
        GoogleGenAI,
        async (client) => {
          const fake = fakeSocket(client)
          const config = { sessionResumption: { handle: 'h', transparent: true } }
          const callbacks = { onmessage() {} }
          const refused = await settled(client.live.connect({ model, config, callbacks }))
          await client.live.connect({ model, callbacks })
          return [refused, fake.urls(), fake.sent]
        },
        { apiKey, httpOptions: { apiVersion: 'v1alpha' } },
      )
    }
  })

  test('going away and resuming count nothing twice', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const fake = fakeSocket(client)
      await client.live.connect({ model, callbacks: { onmessage() {} } })
      fake.message(turn)
      fake.message(over)
      fake.message({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } })
      fake.message({ goAway: { timeLeft: '10s' } })
      await soon()
      fake.fire('onclose', { code: 1000 })
      await client.live.connect({
        model,
        config: { sessionResumption: { handle: 'h' } },
        callbacks: { onmessage() {} },
      })
      fake.message(turn)
      fake.message(over)
      await soon()
      fake.fire('onclose', { code: 1000 })
      fake.fire('onclose', { code: 1000 })
    })
    expect(records.map(({ tokens, outcome }) => [tokens.input, outcome])).toEqual([
      [20, 'complete'],
      [20, 'complete'],
    ])
  })

  test('a turn that was interrupted, and usage in parts of it', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const fake = fakeSocket(client)
      await client.live.connect({ model, callbacks: { onmessage() {} } })
      fake.message({ ...turn, usageMetadata: { promptTokenCount: 20, responseTokenCount: 2 } })
      fake.message({ serverContent: { interrupted: true } })
      fake.message(over)
      fake.message({ serverContent: { generationComplete: true } })
      await soon()
      fake.fire('onclose', { code: 1000 })
    })
    expect(records.map(({ tokens }) => tokens.output)).toEqual([5])
  })
})
