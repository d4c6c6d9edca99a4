import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createMeter, type TokenMeterError, type UsageRecord } from '@token-meter/core'
import { openaiProvider } from '@token-meter/openai'
import { postgresOutbox } from '@token-meter/postgres'
import OpenAI from 'openai'
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startStallingProxy, type StallingProxy } from '../../postgres/test/stalling-proxy.ts'
import { startReplayServer } from '../src/index.ts'
import { type PostgresServer, startPostgres } from '../src/internal.ts'

let server: PostgresServer | undefined
try {
  server = await startPostgres()
} catch (cause) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  console.warn(`The spool of Postgres is not tested: no Postgres here (${reason})`)
}
afterAll(() => server?.stop())

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const completion = { object: 'chat.completion', model: 'gpt-5.4', choices: [], usage }
const question = {
  model: 'gpt-5.4',
  messages: [{ role: 'user' as const, content: 'Is tea hot?' }],
}

describe.skipIf(server === undefined)(
  'calls whose usage goes to Postgres',
  { timeout: 60_000 },
  () => {
    let proxy: StallingProxy
    let spoolFolder: string
    beforeEach(async () => {
      proxy = await startStallingProxy(server?.url ?? '')
      spoolFolder = mkdtempSync(join(tmpdir(), 'token-meter-spool-'))
      onTestFinished(() => {
        proxy.close()
        rmSync(spoolFolder, { recursive: true, force: true })
      })
    })

    async function startProvider() {
      const provider = await startReplayServer()
      onTestFinished(() => provider.close())
      provider.serve(completion, { times: Infinity })
      return provider
    }

    test.each([
      ['from the begin', 'spool_1'],
      ['after a while', 'spool_2'],
    ])(
      'a database that stalls %s holds no call for long, and a kill loses none that resolved',
      async (when, schema) => {
        const provider = await startProvider()
        if (when === 'from the begin') proxy.stallAfter(0)
        const script = fileURLToPath(new URL('postgres-spool/metered-child.ts', import.meta.url))
        const child = spawn(
          process.execPath,
          [script, provider.url, proxy.url, spoolFolder, schema],
          {
            stdio: ['ignore', 'pipe', 'inherit'],
          },
        )
        onTestFinished(() => void child.kill('SIGKILL'))
        const resolved: number[] = []
        const output = createInterface(child.stdout)
        output.on('line', (line) => resolved.push(Number(line.split(' ')[1])))
        await expect.poll(() => resolved.length, { timeout: 20_000 }).toBeGreaterThan(5)
        proxy.stallNow()
        const before = resolved.length
        await expect.poll(() => resolved.length, { timeout: 20_000 }).toBeGreaterThan(before + 20)
        child.kill('SIGKILL')
        await once(output, 'close')
        // It is one that waited for the database, and the others did not.
        expect(resolved.toSorted((a, b) => a - b)[Math.floor(resolved.length / 2)]).toBeLessThan(
          200,
        )

        proxy.stallAfter(Infinity)
        const sent: string[] = []
        async function backend(records: readonly UsageRecord[]) {
          sent.push(...records.map(({ id }) => id))
        }
        const meter = createMeter({
          providers: [],
          outbox: postgresOutbox({ connectionString: proxy.url }, { schema, spoolFolder }),
          sinks: [backend],
        })
        const { recorded } = await meter.flush()
        expect(new Set(sent).size).toBe(sent.length)
        expect(sent).toHaveLength(recorded)
        // One more may have been kept and not have resolved.
        expect(recorded).toBeGreaterThanOrEqual(resolved.length)
        expect(recorded).toBeLessThanOrEqual(resolved.length + 1)
        await meter.close()
      },
    )

    test('without a disk a call waits 5 s at the most, and its record is told whole', async () => {
      const provider = await startProvider()
      const errors: TokenMeterError[] = []
      const outbox = postgresOutbox(
        { connectionString: proxy.url },
        { spoolFolder: join(process.execPath, 'no-folder') },
      )
      const meter = createMeter({
        providers: [openaiProvider],
        outbox,
        onError: (error) => void errors.push(error),
      })
      await meter.stats()
      proxy.stallNow()
      const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, maxRetries: 0 })
      const began = performance.now()
      const answer = await meter(client, 'cus_1').chat.completions.create(question)
      const took = performance.now() - began
      expect(answer).toMatchObject(completion)
      expect(took).toBeGreaterThan(4_900)
      expect(took).toBeLessThan(8_000)
      const told = errors.flatMap((error) => (error as { records?: UsageRecord[] }).records ?? [])
      expect(told).toMatchObject([{ customer: 'cus_1', tokens: { input: 12, output: 3 } }])
      expect(errors.map(({ message }) => message).join()).toMatch(/cannot be written.*spoolFolder/)
      // It was not given up: the database gets it when it answers.
      proxy.dropAll()
      await expect.poll(() => outbox.find(told[0]?.id ?? ''), { timeout: 30_000 }).toBeDefined()
      await meter.close()
    })
  },
)
