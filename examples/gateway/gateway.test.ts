import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@token-meter/testkit/internal'
import { expect, onTestFinished, test } from 'vitest'

const folder = import.meta.dirname
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8')
const compose = readFileSync(join(folder, 'compose.yaml'), 'utf8')
const bin = join(folder, '../../packages/cli/src/bin.ts')

/** The words of the command behind such a beginning of a line. */
function words(beginning: RegExp): readonly string[] {
  const [, list = ''] =
    new RegExp(`^${beginning.source}CMD (\\[.*\\])$`, 'm').exec(dockerfile) ?? []
  return JSON.parse(list) as string[]
}

const command = words(/(?:)/)
/** In the line that follows `HEALTHCHECK`. */
const healthCheck = words(/ +/)

test('what the image copies is there, and what its command runs is what the package has', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, file]) => file!)
  expect(copied).not.toEqual([])
  expect(copied.filter((file) => !existsSync(join(folder, file)))).toEqual([])
  const ignored = readFileSync(join(folder, '.dockerignore'), 'utf8')
  for (const file of copied) expect(ignored).toContain(`!${file}`)
  const manifest = JSON.parse(
    readFileSync(join(folder, '../../packages/cli/package.json'), 'utf8'),
  ) as {
    publishConfig: { bin: Record<string, string> }
  }
  expect(command[1]).toBe(
    `/app/node_modules/token-meter/${manifest.publishConfig.bin['token-meter']!.slice(2)}`,
  )
  expect(command[0]).toBe('node')
  expect(dockerfile).toMatch(/^USER node$/m)
})

test('compose names every variable that the configuration asks for, and gives it the time that it takes to end', () => {
  const config = readFileSync(join(folder, 'token-meter.gateway.json'), 'utf8')
  const asked = [...config.matchAll(/"env\.(\w+)"/g)].map(([, name]) => name!)
  expect(asked).toContain('DATABASE_URL')
  expect(asked.filter((name) => !new RegExp(`^ {6}${name}: `, 'm').test(compose))).toEqual([])
  expect(compose).toContain('stop_grace_period: 30s')
})

interface Replica {
  readonly url: string
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
}

/** The image's command, where its files stand, on a port that is free. */
async function startReplica(databaseUrl: string): Promise<Replica> {
  const app = mkdtempSync(join(tmpdir(), 'gateway-image-'))
  symlinkSync(join(folder, 'token-meter.gateway.json'), join(app, 'token-meter.gateway.json'))
  const args = command.slice(2).map((word) =>
    word
      .replace('/app/', `${app}/`)
      .replace(/^4100$/, '0')
      .replace('0.0.0.0', '127.0.0.1'),
  )
  const { PATH } = process.env
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: app,
    env: {
      PATH,
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      DATABASE_URL: databaseUrl,
      TOKEN_METER_ADMIN_KEY: adminKey,
      OPENAI_API_KEY: 'sk-x',
      ANTHROPIC_API_KEY: 'sk-y',
      STRIPE_RESTRICTED_KEY: '',
    },
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (piece) => {
      said += piece
      const [, found] = /gateway on (http:\S+)\n/.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(said)))
  })
  return { url, child, ended }
}

const adminKey = 'admin-key-of-the-example'

test('two replicas on one Postgres: a key of the one is taken by the other, and both end in order', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const [one, other] = await Promise.all([startReplica(server.url), startReplica(server.url)])
  const authorization = `Bearer ${adminKey}`
  const made = await fetch(`${one.url}/key/generate`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ customer: 'cus_123', rpm_limit: 1 }),
  })
  const { key } = (await made.json()) as { key: string }
  // A path that is nobody's is refused behind the key: 401 for none, 403 for one that is taken.
  const ask = (url: string, presented: string) =>
    fetch(`${url}/openai/v1/files`, { headers: { authorization: `Bearer ${presented}` } })
  expect((await ask(other.url, key)).status).toBe(403)
  expect((await ask(other.url, `${key.slice(0, -1)}#`)).status).toBe(401)
  for (const { url } of [one, other]) {
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ ready: true })
  }

  // The image's health check, at the port that this one has.
  const [node, ...flags] = healthCheck
  const check = flags.map((flag) => flag.replace('http://127.0.0.1:4100', one.url))
  expect(node).toBe('node')
  const isHealthy = () => spawnSync(process.execPath, check).status
  expect(isHealthy()).toBe(0)

  for (const { child } of [one, other]) child.kill('SIGTERM')
  expect(await Promise.all([one.ended, other.ended])).toEqual([0, 0])
  expect(isHealthy()).toBe(1)
}, 120_000)
