import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Outbox, UsageRecord } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { mintRecordId } from '@token-meter/core/outbox'
import { postgresOutbox } from '@token-meter/postgres'
import { type PostgresServer, startPostgres } from '@token-meter/testkit/internal'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { StreamOrder } from './stream-child.ts'

let server: PostgresServer | undefined
try {
  server = await startPostgres()
} catch (cause) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  console.warn(`Killed streams are not tested on Postgres: no Postgres here (${reason})`)
}
afterAll(() => server?.stop())

let schemas = 0

/** Where usage is kept, for the child and for whoever comes next. */
const stores = {
  sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'token-meter-killed-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'usage.db')
    return { outbox: { file }, open: (): Outbox => sqliteOutbox(file) }
  },
  postgres() {
    const url = server?.url ?? ''
    const schema = `killed_${++schemas}`
    const open = (): Outbox =>
      postgresOutbox({ connectionString: url }, { schema, spoolFolder: '/dev/null/none' })
    return { outbox: { url, schema }, open }
  },
}

/** Streams as the test says, to whoever asks. */
async function startProvider() {
  let answer: ServerResponse | undefined
  const asked = Promise.withResolvers<void>()
  const http = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    answer = response
    asked.resolve()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async send(event: object) {
      await asked.promise
      answer?.write(`data: ${JSON.stringify(event)}\n\n`)
    },
    end: () => answer?.end(),
  }
}

const apis = {
  gemini: {
    protocol: 'google',
    path: '/v1beta/models/gemini-3:streamGenerateContent?alt=sse',
    body: { contents: [{ parts: [{ text: 'Is tea hot?' }] }] },
    event: (index: number) => ({
      candidates: [{ content: { role: 'model', parts: [{ text: 'words ' }] } }],
      usageMetadata: {
        promptTokenCount: 9,
        candidatesTokenCount: index,
        totalTokenCount: 9 + index,
      },
      modelVersion: 'gemini-3',
    }),
    last: {
      candidates: [{ content: { parts: [{ text: '.' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 50, totalTokenCount: 59 },
      modelVersion: 'gemini-3',
    },
  },
  chat: {
    protocol: 'openai',
    path: '/v1/chat/completions',
    body: { model: 'm', stream: true, messages: [{ role: 'user', content: 'Is tea hot?' }] },
    event: () => ({
      object: 'chat.completion.chunk',
      model: 'm-1',
      choices: [{ index: 0, delta: { content: 'several words of an answer ' } }],
    }),
    last: {
      object: 'chat.completion.chunk',
      model: 'm-1',
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      usage: { prompt_tokens: 9, completion_tokens: 50, total_tokens: 59 },
    },
  },
} as const

async function start(store: keyof typeof stores, api: keyof typeof apis) {
  const { outbox, open } = stores[store]()
  const provider = await startProvider()
  const { protocol, path, body } = apis[api]
  const recordId = mintRecordId(Date.now())
  const order: StreamOrder = { outbox, protocol, url: provider.url + path, body, recordId }
  const script = fileURLToPath(new URL('stream-child.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line)
  })
  const kill = () => void child.kill('SIGKILL')
  onTestFinished(kill)
  const ended = once(child, 'close')
  const said = (line: string, times = 1) =>
    vi.waitFor(() => expect(lines.filter((one) => one === line).length).toBe(times), 20_000)
  const killed = async () => {
    kill()
    await ended
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([])
  }
  return { provider, recordId, said, killed, open, api: apis[api] }
}

/** What the next processes find, two after each other. */
async function found(open: () => Outbox): Promise<readonly UsageRecord[]> {
  const all: (readonly UsageRecord[])[] = []
  for (let process = 0; process < 2; process++) {
    const outbox = open()
    await outbox.prepare?.()
    const { entries } = await outbox.ledger('any')
    all.push(entries.map(({ record }) => record))
    await outbox.close()
  }
  expect(all[1]).toEqual(all[0])
  return all[0] ?? []
}

for (const store of ['sqlite', 'postgres'] as const) {
  const isAbsent = store === 'postgres' && server === undefined
  describe.skipIf(isAbsent)(
    `a process that streams is killed, with ${store}`,
    { timeout: 30_000 },
    () => {
      test('after the first usage that was stated: one record, partial, with what was stated', async () => {
        const { provider, recordId, said, killed, open, api } = await start(store, 'gemini')
        await provider.send(api.event(3))
        await said('kept')
        await killed()
        const records = await found(open)
        expect(records).toMatchObject([
          { id: recordId, outcome: 'partial', customer: 'cus_1', model: 'gemini-3' },
        ])
        expect(records[0]?.tokens).toEqual({ input: 9, cachedInput: 0, cachedWrite: 0, output: 3 })
      })

      test('after some more: what was stated last within the second', async () => {
        const { provider, recordId, said, killed, open, api } = await start(store, 'gemini')
        for (let index = 1; index <= 20; index++) await provider.send(api.event(index))
        await said('kept', 2)
        await killed()
        expect(await found(open)).toMatchObject([
          { id: recordId, outcome: 'partial', tokens: { input: 9, output: 20 } },
        ])
      })

      test('before any usage was stated: one record, an estimate', async () => {
        const { provider, recordId, said, killed, open, api } = await start(store, 'chat')
        await provider.send(api.event(1))
        await said('kept')
        await killed()
        const records = await found(open)
        expect(records).toMatchObject([
          { id: recordId, outcome: 'estimated', details: { estimated: ['input', 'output'] } },
        ])
        expect(records[0]?.tokens.input).toBeGreaterThan(0)
        expect(records[0]?.tokens.output).toBeGreaterThan(0)
      })

      test('after it was recorded: one record, complete', async () => {
        const { provider, recordId, said, killed, open, api } = await start(store, 'chat')
        await provider.send(api.event(1))
        await said('kept')
        await provider.send(api.last)
        provider.end()
        await said('settled')
        await killed()
        expect(await found(open)).toMatchObject([
          { id: recordId, outcome: 'complete', tokens: { input: 9, output: 50 } },
        ])
      })

      test('beside one that delivers: that one records it, once', async () => {
        const { provider, recordId, said, killed, open, api } = await start(store, 'gemini')
        await provider.send(api.event(5))
        await said('kept')
        const worker = open()
        const claim = () => worker.claim('any', { limit: 10, leaseMs: 60_000 })
        expect(await claim()).toBe(undefined)
        await killed()
        const batch = await vi.waitFor(
          async () => {
            const claimed = await claim()
            expect(claimed).not.toBe(undefined)
            return claimed
          },
          { timeout: 20_000, interval: 200 },
        )
        expect(batch?.entries.map(({ record }) => record.id)).toEqual([recordId])
        await worker.close()
        expect(await found(open)).toHaveLength(1)
      })
    },
  )
}
