import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startReplayServer } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { chatCompletion } from './scripts.ts'

const newFolder = () => mkdtempSync(join(tmpdir(), 'token-meter-'))

async function run(options: { cwd?: string; env?: object; task?: string }) {
  const { cwd = newFolder(), env = {}, task = 'call' } = options
  await using provider = await startReplayServer()
  provider.serve(chatCompletion, { times: 2 })
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'zero-config-child.ts'), provider.url, task],
    { cwd, env: { PATH, NODE_COMPILE_CACHE, ...env } },
  )
  const [said, warned] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  const answers = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { answers, warned, cwd, code: child.exitCode }
}

describe('with no configuration', () => {
  test('usage is kept on disk, one notice says that there is no backend, and the process ends', async () => {
    const { answers, warned, cwd, code } = await run({})
    expect(answers).toEqual([
      { stats: { recorded: 2, sinks: {}, errors: 0 }, outbox: 'sqlite .token-meter/usage.db' },
    ])
    expect(warned.match(/\[token-meter\]/g)).toHaveLength(1)
    expect(warned).toMatch(/no billing backend is configured.*STRIPE_RESTRICTED_KEY/)
    expect(existsSync(join(cwd, '.token-meter/usage.db'))).toBe(true)
    expect(code).toBe(0)
  })

  test('what was kept is still there for the next process', async () => {
    const { cwd } = await run({})
    const { answers } = await run({ cwd })
    expect(answers[0].stats.recorded).toBe(4)
  })

  test('without a writable disk usage is kept in memory, and that is said', async () => {
    const cwd = newFolder()
    writeFileSync(join(cwd, '.token-meter'), 'a file where the folder would be')
    const { answers, warned } = await run({ cwd })
    expect(answers[0]).toMatchObject({
      outbox: 'memory, until .token-meter/usage.db can be used',
      stats: { recorded: 2 },
    })
    expect(warned).toMatch(/the process ended with 2 usage record\(s\) in memory.* records: \[/)
    expect(warned).toMatch(/kept in memory and is lost with the process.*TOKEN_METER_OUTBOX/)
  })

  test('a closed meter starts afresh when it is used again', async () => {
    const { answers } = await run({ task: 'close' })
    expect(answers[1]).toEqual({ again: 0 })
  })
})

describe('TOKEN_METER_OUTBOX', () => {
  test.each([
    ['memory:', 'memory'],
    ['other/ledger.db', 'sqlite other/ledger.db'],
  ])('%s', async (TOKEN_METER_OUTBOX, outbox) => {
    const { answers } = await run({ env: { TOKEN_METER_OUTBOX } })
    expect(answers[0]).toMatchObject({ outbox, stats: { recorded: 2 } })
  })

  test.each([
    ['a path that cannot be used', '/dev/null/usage.db', /no file can be opened there/],
    ['a URL of another kind', 'mysql://user:secret@host/db', /not known \(mysql:\)/],
    ['a URL without slashes', 'mssql:secret', /not known \(mssql:\)/],
    ['a URL of Postgres that is none', 'postgres://user:se/cret@host/db', /./],
  ])('%s fails no call: usage is in memory, and it is told', async (_, named, why) => {
    const { answers, warned, cwd } = await run({ env: { TOKEN_METER_OUTBOX: named } })
    expect(answers[0]).toMatchObject({ stats: { recorded: 2, errors: 1 } })
    expect(answers[0].outbox).toMatch(/^memory, until/)
    expect(warned).toMatch(/kept in memory and is lost with the process.*TOKEN_METER_OUTBOX/)
    expect(warned).toMatch(why)
    expect(JSON.stringify(answers) + warned).not.toMatch(/secret|cret@/)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('a damaged file is left as it is, and read when it was repaired', async () => {
    const cwd = newFolder()
    const file = join(cwd, 'usage.db')
    const damage = 'no database '.repeat(1000)
    writeFileSync(file, damage)
    const { answers, warned } = await run({ cwd, env: { TOKEN_METER_OUTBOX: 'usage.db' } })
    expect(answers[0]).toMatchObject({ stats: { recorded: 2 } })
    expect(warned).toMatch(/not a SQLite database.*left as it is/)
    expect(readFileSync(file, 'utf8')).toBe(damage)
    expect(readdirSync(cwd)).toEqual(['usage.db'])
  })

  test('a package that is missing is named', async () => {
    const url = 'postgres://user:secret@localhost/db'
    const { answers, warned } = await run({ env: { TOKEN_METER_OUTBOX: url } })
    expect(answers[0]).toMatchObject({ stats: { recorded: 2 } })
    expect(warned).toContain('npm install @token-meter/postgres')
    expect(warned).toContain("import '@token-meter/postgres/register'")
    expect(JSON.stringify(answers) + warned).not.toContain('secret')
  })
})

describe("a backend's key", () => {
  test('finds the installed package', async () => {
    const env = { STRIPE_RESTRICTED_KEY: 'rk_test_x', TOKEN_METER_OUTBOX: 'memory:' }
    const { answers, warned } = await run({
      cwd: join(import.meta.dirname, '..'),
      env,
      task: 'wrap',
    })
    expect(answers[0].stats.sinks).toMatchObject({ stripe: { recorded: 0 } })
    expect(warned).not.toMatch(/no billing backend/)
  })

  // Each waits for two seconds before it ends.
  test.concurrent.each([
    ['METRONOME_BEARER_TOKEN', '@token-meter/metronome'],
    ['LAGO_API_KEY', '@token-meter/lago'],
    ['OPENMETER_URL', '@token-meter/openmeter'],
  ])('%s without its package names it, and usage waits for it', async (variable, name) => {
    const { answers, warned } = await run({ env: { [variable]: 'secret-key' } })
    const sink = name.replace('@token-meter/', '')
    expect(answers[0].stats).toMatchObject({ errors: 1, sinks: { [sink]: { pending: 2 } } })
    expect(warned).toContain(`npm install ${name}`)
    expect(warned).toContain(`import '${name}/register'`)
    expect(JSON.stringify(answers) + warned).not.toContain('secret-key')
  })
})
