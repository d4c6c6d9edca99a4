import { expect, test } from 'vitest'
import { crashCommand } from '../../src/crash/crash-command.ts'

const defaults = { kills: 1000, outbox: 'sqlite', api: 'v2', aggregate: false }

test('flags, with and without the separator that pnpm hands on', () => {
  const asked = [
    '--kills',
    '25',
    '--outbox',
    'postgres',
    '--api',
    'v1',
    '--aggregate',
    '--seed',
    'x',
  ]
  const command = { kills: 25, outbox: 'postgres', api: 'v1', aggregate: true, seed: 'x' }
  expect(crashCommand(asked)).toEqual(command)
  expect(crashCommand(['--', ...asked])).toEqual(command)
  expect(crashCommand([])).toMatchObject(defaults)
})

test.each([
  [['--kils', '3'], /--kils/],
  [['25'], /25/],
  [['--kills'], /--kills/],
  [['--kills', '0'], /--kills takes a whole number from 1 up, got 0/],
  [['--kills', 'many'], /got many/],
  [['--outbox', 'mysql'], /--outbox takes sqlite or postgres, got mysql/],
  [['--api', 'v3'], /--api takes v1 or v2 or stream, got v3/],
])('%j is refused by name', (given, problem) => {
  expect(crashCommand(given)).toMatch(problem)
})
