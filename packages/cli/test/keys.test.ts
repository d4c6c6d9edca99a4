import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { gatewayKeys } from '@token-meter/gateway'
import { expect, test } from 'vitest'
import { newFolder, run } from './command.ts'

const secret = /tm-[0-9a-f]{16}-[0-9A-Za-z]{43}/

test('a key from its making to its end', async () => {
  const cwd = newFolder()
  const keys = (...args: string[]) => run(['keys', ...args], { cwd })
  const made = await keys(
    'generate',
    '--alias',
    'ci',
    '--customer=cus_1',
    '--models',
    'a, b',
    '--rpm',
    '60',
    '--expires',
    '30d',
  )
  // The key alone on stdout.
  expect(made.stdout).toMatch(new RegExp(`^${secret.source}\n$`))
  expect(made.code).toBe(0)
  const key = made.stdout.trim()

  const info = await keys('info', 'ci', '--json')
  expect(JSON.parse(info.stdout)).toMatchObject({
    alias: 'ci',
    customer: 'cus_1',
    models: ['a', 'b'],
    requestsPerMinute: 60,
    isBlocked: false,
    expiresAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
  })
  const changed = await keys('update', key, '--clear', 'models,expires', '--tpm', '1000', '--json')
  expect(JSON.parse(changed.stdout)).toMatchObject({ tokensPerMinute: 1000, requestsPerMinute: 60 })
  expect(JSON.parse(changed.stdout)).not.toHaveProperty('models')

  // A gateway on the same store takes it, and no longer.
  const outbox = sqliteOutbox(join(cwd, '.token-meter/usage.db'))
  const taken = gatewayKeys({ outbox })
  expect(await taken.authenticate(key)).toMatchObject({ customer: 'cus_1' })

  expect((await keys('block', 'ci')).stdout).toContain('blocked')
  expect((await keys('unblock', 'ci')).stdout).toContain('works')
  const rotated = await keys('rotate', 'ci', '--json')
  expect(JSON.parse(rotated.stdout).key).toMatch(secret)
  expect(JSON.parse(rotated.stdout).key).not.toBe(key)

  const listed = await keys('list')
  expect(listed.stdout.split('\n')[1]).toMatch(/ci +cus_1 +all +60\/min, 1000 tokens\/min +-/)
  const all = [info, changed, listed, await keys('list', '--json')].map(
    ({ stdout, stderr }) => stdout + stderr,
  )
  expect(all.join('')).not.toMatch(secret)

  const deleted = await keys('delete', 'ci', 'no-such-key')
  expect([deleted.code, deleted.stderr]).toEqual([1, expect.stringContaining('1 deleted')])
  expect((await keys('info', 'ci')).code).toBe(1)
  await taken.close()
  await outbox.close()
  // The hash alone was ever kept.
  expect(readFileSync(join(cwd, '.token-meter/usage.db'), 'latin1')).not.toContain(key.slice(-43))
}, 60_000)

test('the store is that of the flag, the configuration, the variable, in this order', async () => {
  const cwd = newFolder()
  const environment = { TOKEN_METER_OUTBOX: 'variable.db' }
  const generate = (...args: string[]) =>
    run(['keys', 'generate', '--json', ...args], { cwd, environment })
  const countIn = async (path: string) => {
    const { stdout } = await run(['keys', 'list', '--json', '--outbox', path], { cwd })
    return JSON.parse(stdout).count as number
  }
  await generate()
  // What else it names need not be set for this.
  writeFileSync(
    join(cwd, 'token-meter.gateway.json'),
    '{ "outbox": "config.db", "adminKey": "env.NOT_SET" }',
  )
  await generate()
  await generate('--outbox', 'flag.db')
  expect([
    await countIn('variable.db'),
    await countIn('config.db'),
    await countIn('flag.db'),
  ]).toEqual([1, 1, 1])
}, 60_000)

test.each([
  [['keys', 'generate', '--rpm', '0'], '--rpm takes a whole number'],
  [['keys', 'generate', '--expires', 'soon'], '--expires takes a time'],
  [['keys', 'generate', '--customers', 'any', '--customer', 'cus_1'], 'customer'],
  [['keys', 'generate', '--model', 'a'], 'has no option --model'],
  [['keys', 'generate', 'surplus'], 'does not take "surplus"'],
  [['keys', 'info'], 'KEY'],
  [['keys', 'update', 'tm-1'], 'nothing is to be changed'],
  [['keys', 'update', 'tm-1', '--clear', 'all'], '--clear does not know "all"'],
  [['keys', 'generate', '--outbox', 'memory:'], 'keys in memory would end'],
  [['keys', 'generate', '--outbox', 'redis://user:hunter2@host'], 'not known (redis:)'],
  [['keys', 'lits'], 'there is no command "token-meter keys lits"'],
])('%j is refused with what to do, and exit code 1', async (args, said) => {
  const { code, stdout, stderr } = await run(args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(said)
  expect(stderr).not.toMatch(/hunter2|\n {4}at /)
  const json = await run([...args, '--json'])
  expect(JSON.parse(json.stdout).error.message).toContain(said)
  expect([json.code, json.stderr]).toEqual([1, ''])
})
