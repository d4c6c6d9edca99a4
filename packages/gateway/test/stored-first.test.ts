import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOutbox, type Outbox } from '@token-meter/core'
import { expect, test } from 'vitest'
import { rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

/** An outbox that takes its time, as a database does. */
function slowOutbox() {
  const kept = memoryOutbox()
  const state = { isStored: false }
  const append: Outbox['append'] = async (...args) => {
    await sleep(100)
    await kept.append(...args)
    state.isStored = true
  }
  const outbox = new Proxy(kept, {
    get: (target, name) => {
      if (name === 'append') return append
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { outbox, state }
}

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const chunk = { id: 'c', model: 'gpt-5', choices: [{ index: 0, delta: { content: 'hi' } }] }
const whole = Buffer.from(JSON.stringify({ id: 'c', model: 'gpt-5', choices: [], usage }))
const events = [chunk, { ...chunk, choices: [], usage }, '[DONE]'].map((data) =>
  Buffer.from(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`),
)
const json = ['Content-Type', 'application/json'] as const

test.each([
  ['a whole answer of a length', rawReply(whole, [json]), whole.toString().slice(-4), false],
  ['a whole answer in chunks', rawReply([whole], [json]), '\r\n0\r\n\r\n', false],
  ['a stream', rawReply(events, [['Content-Type', 'text/event-stream']]), '[DONE]', true],
])('the last word of %s comes when its usage is stored', async (_, reply, lastWord, stream) => {
  await using upstream = await startRawUpstream((socket) => socket.write(reply))
  const { outbox, state } = slowOutbox()
  await using running = await startGateway(upstream.url, { outbox })
  const options = stream ? { stream, stream_options: { include_usage: true } } : {}
  const body = JSON.stringify({ model: 'gpt-5', messages: [], ...options })
  const caller = connect(running.port, '127.0.0.1')
  caller.write(rawRequest({ path: '/v1/chat/completions', headers: [json], body }))
  let text = ''
  for await (const piece of caller) {
    text += String(piece)
    if (text.includes(lastWord)) break
  }
  expect(state.isStored).toBe(true)
  caller.destroy()
})
