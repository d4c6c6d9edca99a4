import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkedConfig } from '../src/gateway/read-config.ts'
import { bin, cleanEnvironment, newFolder, runProgram } from './command.ts'
import { type LocalUpstream, startLocalUpstream } from './local-upstream.ts'
import { adminKey, type StartedGateway, startGateway, upstreamKey } from './started-gateway.ts'

const page = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}))
const codeOf = (language: string) =>
  blocks.filter((block) => block.language === language).map(({ code }) => code)
const [firstStart = '', ...shell] = codeOf('sh')

/** What the page's commands are here. The agents are not installed: these ask what they are known to ask. */
const commands = {
  npx: `shift; exec '${process.execPath}' '${bin}' "$@"`,
  claude: `exec curl -sS "$ANTHROPIC_BASE_URL/v1/messages?beta=true" -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" \\
    -H 'anthropic-version: 2023-06-01' -H 'anthropic-beta: context-1m' -H 'content-type: application/json' \\
    -d '{"model":"claude-sonnet-4-6","max_tokens":5,"metadata":{"user_id":"session_1"},"messages":[]}'`,
  gemini: `exec curl -sS "$GOOGLE_GEMINI_BASE_URL/v1beta/models/gemini-3-flash:generateContent" \\
    -H "x-goog-api-key: $GEMINI_API_KEY" -H 'content-type: application/json' -d '{"contents":[]}'`,
}

let upstream: LocalUpstream
let gateway: StartedGateway
let path: string
let key: string

beforeAll(async () => {
  upstream = await startLocalUpstream()
  const [example = ''] = codeOf('json')
  const config = JSON.parse(example) as { upstreams: Record<string, { baseUrl: string }> }
  for (const each of Object.values(config.upstreams)) each.baseUrl = upstream.url
  const keys = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'GROQ'].map((name) => [
    `${name}_API_KEY`,
    upstreamKey,
  ])
  gateway = await startGateway({ config, environment: Object.fromEntries(keys) })
  const folder = join(newFolder(), 'bin')
  mkdirSync(folder)
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  path = `${folder}:${process.env['PATH']}`
  key = await gateway.generate('--customer', 'cus_123')
}, 60_000)

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

function here(text: string): string {
  return text.replaceAll('http://127.0.0.1:4100', gateway.url)
}

async function runShell(code: string): Promise<string> {
  const own = { PATH: path, KEY: key, TOKEN_METER_ADMIN_KEY: adminKey }
  const env = { ...cleanEnvironment(), ...own }
  const ran = await runProgram('bash', ['-euc', here(code)], { cwd: gateway.cwd, env })
  expect(ran.code, ran.stderr).toBe(0)
  return ran.stdout
}

async function customers(): Promise<readonly (string | null)[]> {
  const outbox = sqliteOutbox(join(gateway.cwd, '.token-meter/usage.db'))
  const { entries } = await outbox.ledger('any')
  await outbox.close()
  return entries.map(({ record }) => record.customer)
}

test('the first four lines start it', async () => {
  const cwd = newFolder()
  const free = firstStart.replace('npx token-meter gateway', '$& --port 0')
  const child = spawn('bash', ['-euc', free], {
    cwd,
    detached: true,
    env: { ...cleanEnvironment(), PATH: path },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => (said += piece))
  await expect
    .poll(() => said, { timeout: 20_000 })
    .toMatch(/gateway on http:\/\/127\.0\.0\.1:\d+\n[^]*keys/)
  process.kill(-child.pid!, 'SIGKILL')
  expect(said).toContain('upstreams  openai')
  expect(said).toContain('sinks      stripe (test)')
}, 60_000)

test.each(shell.map((code) => [code.trim().split('\n')[0]!, code]))(
  '%s',
  async (_, code) => {
    const before = (await customers()).length
    const answers = await runShell(code)
    const asks = code.match(/^(curl.*\/v1|claude|gemini)/gm)?.length ?? 0
    expect(answers.match(/Most/g)?.length ?? 0).toBe(asks)
    const made = (await customers()).slice(before)
    expect(made).toEqual(made.map(() => 'cus_123'))
    expect(made).toHaveLength(asks)
  },
  60_000,
)

test('every block of commands was looked at', () => {
  expect(shell.length).toBeGreaterThan(5)
})

test('Codex: its base URL and key, asked as it asks', async () => {
  const [toml = ''] = codeOf('toml')
  const [, baseUrl = ''] = /base_url = "(.*)"/.exec(here(toml)) ?? []
  const answer = await fetch(`${baseUrl}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', input: 'Is tea hot?', stream: false }),
  })
  expect([answer.status, await answer.json()]).toMatchObject([200, { object: 'response' }])
  expect((await customers()).at(-1)).toBe('cus_123')
})

const modules = ['openai', 'anthropic', 'google.genai'] as const

describe('Python', () => {
  const installed = modules.map(
    (name) => spawnSync('python3', ['-c', `import ${name}`]).status === 0,
  )

  test('the page has a block for each SDK', () => {
    const imports = codeOf('python').map((code) =>
      /^from (\w+) import (\w+)/.exec(code)?.slice(1, 3),
    )
    expect(imports).toEqual([
      ['openai', 'OpenAI'],
      ['anthropic', 'Anthropic'],
      ['google', 'genai'],
    ])
  })

  test.each(modules.map((name, at) => [name, at] as const))('%s', async (_, at) => {
    const code = codeOf('python')[at]!
    if (!installed[at]) {
      // It cannot be run here: at least it is Python, where there is one.
      const compiled = spawnSync(
        'python3',
        ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'],
        { input: code },
      )
      expect(compiled.error === undefined ? compiled.status : 0).toBe(0)
      return
    }
    const before = (await customers()).length
    const script = `key = ${JSON.stringify(key)}\n${here(code)}\nprint(answer)`
    const { stdout, stderr, code: status } = await runProgram('python3', ['-c', script])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('Mostly.')
    expect((await customers()).slice(before)).toEqual(['cus_123'])
  })
})

test('each configuration of the page is one', () => {
  const all = codeOf('json')
  expect(all.length).toBeGreaterThan(1)
  for (const code of all) {
    const text = code.replaceAll(/"env\.\w+"/g, '"a-value-of-the-environment"')
    expect(() => checkedConfig(JSON.parse(text), 'docs/gateway.md')).not.toThrow()
  }
})
