import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic, { type Middleware } from '@anthropic-ai/sdk'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startReplayServer } from '@token-meter/testkit'
import { expect, test, vi } from 'vitest'
import { anthropicProvider, createMeter, type TokenMeterError } from '../src/index.ts'
import { message, messageScript, request, usage } from './scripts.ts'

const prompt = 'PROMPT-d41d8cd98f00'
const completion = 'COMPLETION-b204e9800998'
const key = 'sk-ant-secret'

test('no conversation and no key is in the ledger, the logs or the errors, whatever goes wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-'))
  const path = join(folder, 'usage.db')
  const printed: unknown[] = []
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void printed.push(...args))
  }
  const errors: TokenMeterError[] = []
  await using server = await startReplayServer()
  const meter = createMeter({
    providers: [anthropicProvider],
    outbox: sqliteOutbox(path),
    attributes: () => {
      throw new Error(`attributes of ${prompt}`)
    },
    onError: (error) => void errors.push(error),
  })
  const client = new Anthropic({ apiKey: key, baseURL: server.url, maxRetries: 0 })
  const ask = { ...request, messages: [{ role: 'user' as const, content: prompt }] }
  const say = (value: object) =>
    JSON.parse(JSON.stringify(value).replaceAll('{\\"a\\"', completion))
  const own: Middleware = async (sent, next) => await next(sent)
  for (const middleware of [[], [own]]) {
    const metered = meter(client.withOptions({ middleware }), 'cus_1')
    server.serve(say(messageScript), { times: 2 })
    server.serve(say({ ...message, usage: { ...usage, input_tokens: -1, output_tokens: {} } }))
    for await (const _ of await metered.messages.create({ ...ask, stream: true }));
    for await (const { type } of await metered.messages.create({ ...ask, stream: true })) {
      if (type === 'content_block_delta') break
    }
    await metered.messages.create(ask)
    await metered.messages.create(ask).catch(() => {})
  }
  expect((await meter.stats()).recorded).toBe(6)
  await meter.close().catch((error: unknown) => printed.push(error))
  vi.restoreAllMocks()

  const ledger = ['', '-wal', '-shm'].map((suffix) => {
    try {
      return readFileSync(path + suffix, 'latin1')
    } catch {
      return ''
    }
  })
  rmSync(folder, { recursive: true })
  expect(ledger.join('')).toContain(message.model)
  const told = [...printed, ...errors].map((item) => String(item) + JSON.stringify(item))
  expect(errors.length).toBeGreaterThan(2)
  for (const secret of [completion, key])
    expect([...ledger, ...told].join('')).not.toContain(secret)
  expect([...ledger, ...told].join('')).not.toContain(prompt)
})
