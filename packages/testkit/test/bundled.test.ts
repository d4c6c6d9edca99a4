import { build } from 'esbuild'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startFakeLago, startFakeStripe, startReplayServer } from '../src/index.ts'
import { buildNextApp, packagesOfApp, runStandalone } from './packed/next-app.ts'
import { run } from './packed/run.ts'
import { tarballs } from './packed/tarballs.ts'

/** An application that is deployed without the `node_modules` that it was built with. */
let folder: string
let built: string
let buildLog: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'token-meter-bundled-'))
  const packed = await tarballs()
  const ofApp = Object.fromEntries(packagesOfApp.map((name) => [name, packed[name]!]))
  built = join(folder, 'build')
  buildLog = await buildNextApp(built, ofApp)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const completion = {
  id: 'chatcmpl-bundled',
  object: 'chat.completion',
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
}
const once = { input: 12, output: 3 }

describe('a standalone build of Next.js', () => {
  test('needs no key, opens no outbox and warns of nothing of ours', () => {
    expect(buildLog).not.toContain('token-meter]')
    expect(readdirSync(built)).not.toContain('.token-meter')
    expect(readdirSync(built)).not.toContain('data')
  })

  test('bills what it registered or imported, and keeps what it cannot look up', async () => {
    await using provider = await startReplayServer()
    await using stripe = await startFakeStripe()
    await using lago = await startFakeLago({ billableMetrics: ['llm_usage'] })
    const deployed = join(folder, 'deployed')
    await using app = await runStandalone(built, deployed, {
      PROVIDER_URL: `${provider.url}/v1`,
      STRIPE_URL: stripe.url,
      STRIPE_RESTRICTED_KEY: stripe.apiKey,
      LAGO_API_KEY: lago.apiKey,
      LAGO_API_URL: lago.url,
    })
    const ask = async (path: string) => {
      provider.serve(completion)
      const response = await fetch(app.url + path)
      expect(response.status, app.log()).toBe(200)
      return await response.json()
    }
    await vi.waitFor(() => fetch(app.url), { timeout: 20_000, interval: 100 })

    expect(await ask('/zero')).toMatchObject({
      recorded: 1,
      sinks: { lago: { recorded: 1 }, stripe: { recorded: 1, delivered: 0 } },
    })
    await vi.waitFor(() => expect(lago.billed()).toHaveLength(2), { timeout: 10_000 })
    expect(app.log()).toMatch(
      /STRIPE_RESTRICTED_KEY is set, but the package .*import '@token-meter\/stripe\/register'/,
    )
    expect(app.log()).not.toMatch(/@token-meter\/lago is not there/)
    expect(existsSync(join(deployed, '.token-meter/usage.db'))).toBe(true)

    expect(await ask('/explicit')).toMatchObject({ sinks: { stripe: { delivered: 1 } } })
    expect(
      Object.fromEntries(stripe.billed().map(({ tokenType, value }) => [tokenType, value])),
    ).toEqual(once)
    expect(existsSync(join(deployed, 'data/explicit.db'))).toBe(true)

    // There is no SQLite in the edge runtime: usage is in memory, and that is said.
    expect(await ask('/edge')).toMatchObject({ recorded: 1 })
    expect(app.log()).toMatch(/kept in memory.*node:sqlite/)
  })
})

test('a bundle of esbuild bills what it registered, and the next process what it did not', async () => {
  await using provider = await startReplayServer()
  await using lago = await startFakeLago({ billableMetrics: ['llm_usage'] })
  const bundled = join(folder, 'bundle.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'packed/bundle/main.js')],
    nodePaths: [join(built, 'node_modules')],
    outfile: bundled,
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
    logLevel: 'silent',
  })
  const alone = join(folder, 'alone')
  mkdirSync(alone)
  provider.serve(completion)
  const { stdout, stderr } = await run(process.execPath, [bundled], {
    cwd: alone,
    environment: {
      PROVIDER_URL: `${provider.url}/v1`,
      STRIPE_RESTRICTED_KEY: 'rk_test_bundled',
      LAGO_API_KEY: lago.apiKey,
      LAGO_API_URL: lago.url,
    },
  })
  expect(stderr).toMatch(/the package @token-meter\/stripe is not there/)
  const [told, stats] = stdout.trim().split('\n')
  expect(told).toMatch(/1 for "stripe"/)
  expect(JSON.parse(stats!)).toMatchObject({
    sinks: {
      stripe: { pending: 1, failing: { reason: expect.stringContaining('is not there') } },
      lago: { delivered: 1 },
    },
  })
  expect(lago.billed()).toHaveLength(2)

  const { sqliteOutbox } = await import('@token-meter/core/sqlite')
  const outbox = sqliteOutbox(join(alone, '.token-meter/usage.db'))
  await outbox.expedite('stripe')
  const batch = await outbox.claim('stripe', { limit: 10, leaseMs: 1000 })
  expect(batch?.entries).toMatchObject([
    { record: { customer: 'cus_bundled', tokens: once }, uncertainSince: undefined },
  ])
  await outbox.close()
})
