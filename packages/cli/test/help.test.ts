import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bin, cleanEnvironment, run } from './command.ts'

test.each([
  [['--help']],
  [['-h']],
  [['gateway', '--help']],
  [['keys', '--help']],
  [['keys', 'rotate', '--help']],
])('%j says what there is, without colours where nobody looks', async (args) => {
  const { code, stdout, stderr } = await run(args, { environment: { FORCE_COLOR: '1' } })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(new RegExp(`USAGE token-meter ?${args.slice(0, -1).join(' ')}`))
  expect(stdout).not.toContain('\u001B')
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect((await run(['--version'])).stdout).toBe(`${version}\n`)
})

test('nothing, and an unknown command, are errors that say what there is', async () => {
  const nothing = await run([])
  expect([nothing.code, nothing.stdout]).toEqual([1, ''])
  expect(nothing.stderr).toContain('gateway|keys')
  const unknown = await run(['gatway'])
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringContaining('There are gateway, keys'),
  ])
  expect((await run(['--foo=secret'])).stderr).not.toContain('secret')
})

test('a reader that has seen enough is no error', () => {
  const { status, stderr } = spawnSync(
    'bash',
    ['-o', 'pipefail', '-c', `'${process.execPath}' '${bin}' keys generate --help | head -1`],
    { env: cleanEnvironment(), encoding: 'utf8' },
  )
  expect([status, stderr]).toEqual([0, ''])
})
