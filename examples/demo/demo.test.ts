import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startFakeStripe, startReplayServer } from '@token-meter/testkit'
import { afterAll, expect, test, vi } from 'vitest'
import { startLocalProvider } from './local-provider.ts'

vi.setConfig({ testTimeout: 30_000 })

const temporary = mkdtempSync(join(tmpdir(), 'token-meter-demo-test-'))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

interface Run {
  readonly exitCode: number | null
  readonly output: string
  readonly errors: string
  /** The folder that the demo leaves its files in. */
  readonly folder: string
}

/** Runs the demo in an environment of its own; a demo that does not end is killed. */
function runDemo(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Run> {
  const folder = mkdtempSync(join(temporary, 'run-'))
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const env = {
    PATH,
    NODE_COMPILE_CACHE,
    TMPDIR: folder,
    TEMP: folder,
    TMP: folder,
    ...environment,
  }
  const demo = join(import.meta.dirname, 'demo.ts')
  return new Promise((resolve) => {
    const options = { env, timeout: 20_000, killSignal: 'SIGKILL' } as const
    const child = execFile(process.execPath, [...flags, demo], options, (_, output, errors) =>
      resolve({ exitCode: child.exitCode, output, errors, folder }),
    )
  })
}

/** The files of the ledger, and its records. */
function ledgerOf({ folder }: Run): { readonly bytes: string; readonly records: unknown[] } {
  const [name = ''] = readdirSync(folder).filter((entry) => entry.startsWith('token-meter-demo-'))
  const files = readdirSync(join(folder, name))
  const bytes = files.map((file) => readFileSync(join(folder, name, file), 'latin1')).join('\n')
  const database = new DatabaseSync(join(folder, name, 'usage.db'), { readOnly: true })
  const rows = database.prepare('SELECT body FROM records ORDER BY seq').all()
  database.close()
  return { bytes, records: rows.map(({ body }) => JSON.parse(String(body)) as unknown) }
}

test.concurrent('without keys it ends by itself, with a bill that is right', async () => {
  const run = await runDemo({})
  expect(run.errors).toBe('')
  expect(run.exitCode).toBe(0)
  expect(run.output).toContain("const openai = meter(new OpenAI(), 'cus_ada')")
  expect(run.output).toMatch(/cus_ada +openai\/gpt-5\.4 +1,390 +1,152 +55 +\$0\.009752/)
  expect(run.output).toMatch(/✔ ([\d,]+) tokens recorded, \1 billed, in 13 meter events/)
  expect(run.output).not.toContain('\u001B')
  const lines = run.output.replaceAll(run.folder, '/tmp').split('\n')
  expect(lines.filter((line) => line.length > 100)).toEqual([])

  const { records } = ledgerOf(run)
  expect(records).toMatchObject([
    { customer: 'cus_ada', model: 'gpt-5.4-mini-2026-03-17', outcome: 'complete' },
    { customer: 'cus_ada', model: 'gpt-5.4-2026-03-05', tokens: { input: 1256, output: 21 } },
    { customer: 'cus_ada', tokens: { input: 134, cachedInput: 1152, output: 34 } },
    { customer: 'cus_bob', tokens: { input: 20, output: 42 }, outcome: 'complete' },
    { customer: 'cus_bob', outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    { customer: 'cus_eve', endpoint: 'responses', details: { reasoning: 64 } },
  ])
})

test.concurrent('neither a key nor a word of anybody is in the ledger', async () => {
  const { bytes } = ledgerOf(await runDemo({}))
  expect(bytes).toContain('cus_ada')
  expect(bytes).not.toMatch(/rk_live|sk-|Bearer|api_?key|no-key-needed/i)
  expect(bytes).not.toMatch(/Kettle|Earl Grey|tinsInStock|Shennong|wide cup|full cups/)
})

test.concurrent('with both keys it uses the real services, and prints no key', async () => {
  await using provider = await startLocalProvider()
  await using stripe = await startFakeStripe({ apiKey: 'rk_test_secret' })
  const run = await runDemo(
    {
      OPENAI_API_KEY: 'sk-secret',
      OPENAI_BASE_URL: `${provider.url}/v1`,
      STRIPE_RESTRICTED_KEY: 'rk_test_secret',
      TOKEN_METER_DEMO_MODEL: 'gpt-5.4-nano',
      TOKEN_METER_DEMO_CUSTOMERS: 'cus_QXb1aZ9mT4k2We, cus_2, cus_3',
    },
    ['--import', redirectStripe(stripe.url)],
  )
  expect(run.errors).toBe('')
  expect(run.exitCode).toBe(0)
  expect(run.output).toContain('real: https://api.stripe.com')
  expect(run.output).toContain(`real: ${provider.url}`)
  expect(run.output).toMatch(/✔ ([\d,]+) tokens recorded, \1 billed, in 13 meter events/)
  expect(run.output).not.toContain('secret')
  expect(provider.requests.map(({ body }) => body)).toMatchObject(
    Array.from({ length: 6 }, () => ({ model: 'gpt-5.4-nano' })),
  )
  const billed = stripe.billed().reduce((sum, { value }) => sum + value, 0)
  expect(run.output).toContain(`${billed.toLocaleString('en-US')} billed`)
})

/** A module that sends what is meant for Stripe to another address. */
function redirectStripe(url: string): string {
  const code = `
    const send = globalThis.fetch
    globalThis.fetch = (input, init) =>
      send(String(input).replace(/^https:..api.stripe.com(:443)?/, '${url}'), init)`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

test.concurrent.each([
  ['nobody', {}, /real customers.*TOKEN_METER_DEMO_CUSTOMERS/s],
  ['two', { TOKEN_METER_DEMO_CUSTOMERS: 'cus_1,cus_2' }, /must name three customers/],
])('a Stripe key with %s to bill is an error', async (_, customers, message) => {
  const run = await runDemo({ STRIPE_API_KEY: 'rk_test_secret', ...customers })
  expect(run.exitCode).toBe(1)
  expect(run.errors).toMatch(message)
  expect(run.errors + run.output).not.toContain('secret')
})

test.concurrent('a key that OpenAI refuses is reported without any of it', async () => {
  await using provider = await startReplayServer({ status: 401 })
  const message = 'Incorrect API key provided: sk-secret.'
  provider.serve({ error: { message, type: 'invalid_request_error', code: 'invalid_api_key' } })
  const run = await runDemo({ OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: provider.url })
  expect(run.exitCode).toBe(1)
  expect(run.errors).toBe('\nThe OpenAI call failed: 401 invalid_api_key\n')
  expect(run.output).not.toContain('secret')
})
