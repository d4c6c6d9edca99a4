import type { UsageRecord } from '@token-meter/core'
import type { FakeStripe } from '@token-meter/testkit'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** The chat server as a process of its own, as a user starts it. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  /** All that it has written to the console. */
  output(): string
  /** The records in its outbox. */
  ledger(): readonly UsageRecord[]
  /** The bytes of its outbox. */
  ledgerBytes(): string
  /** Sends SIGTERM, or another signal. Resolves with the exit code; `null` when the signal killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Where it runs. */
  readonly folder: string
}

/** Starts the server between a provider and a Stripe of the test; in `folder` to go on from another. */
export async function startBetween(
  provider: { readonly url: string },
  stripe: FakeStripe,
  folder?: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  return await startChat(
    {
      OPENAI_API_KEY: 'sk-secret',
      OPENAI_BASE_URL: `${provider.url}/v1`,
      STRIPE_RESTRICTED_KEY: stripe.apiKey,
      TOKEN_METER_CHAT_CUSTOMERS: 'cus_alder,cus_birch,cus_cedar',
      ...environment,
    },
    ['--import', redirectStripe(stripe.url)],
    folder,
  )
}

/** Starts the server in an environment of its own. */
export async function startChat(
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
  folder = mkdtempSync(join(tmpdir(), 'token-meter-chat-test-')),
): Promise<TestServer> {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const env = { PATH, NODE_COMPILE_CACHE, PORT: '0', TMPDIR: folder, ...environment }
  const script = join(import.meta.dirname, 'server.ts')
  const child = spawn(process.execPath, [...flags, script], { env, cwd: folder })
  const exited = once(child, 'exit') as Promise<[number | null]>
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const file = (): string => resolve(folder, /outbox +(\S+)/.exec(output)?.[1] ?? '')

  return {
    url: await urlIn(child, () => output),
    output: () => output,
    ledger() {
      // It is made by the first call that has usage.
      if (!existsSync(file())) return []
      const database = new DatabaseSync(file(), { readOnly: true, timeout: 5000 })
      // The file is there a moment before its tables are.
      const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'records'").all()
      const records = 'SELECT body FROM records ORDER BY seq'
      const rows = tables.length === 0 ? [] : database.prepare(records).all()
      database.close()
      return rows.map(({ body }) => JSON.parse(String(body)) as UsageRecord)
    },
    ledgerBytes() {
      const outbox = dirname(file())
      return readdirSync(outbox)
        .map((name) => readFileSync(join(outbox, name), 'latin1'))
        .join('\n')
    },
    folder,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = await exited
      return code
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function urlIn(child: ChildProcess, output: () => string): Promise<string> {
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+\b/.exec(output())?.[0]
    if (url !== undefined && output().includes('Ctrl+C')) return url
    if (child.exitCode !== null) throw new Error(`The server did not start: ${output()}`)
    await sleep(20)
  }
}

/** A module that sends what is meant for Stripe to another address. */
function redirectStripe(url: string): string {
  const code = `
    const send = globalThis.fetch
    globalThis.fetch = (input, init) =>
      send(String(input).replace(/^https:..api.stripe.com(:443)?/, '${url}'), init)`
  return `data:text/javascript,${encodeURIComponent(code)}`
}
