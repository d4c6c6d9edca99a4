import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MomentLog, readMoments } from '../../src/crash/moments.ts'

const folder = mkdtempSync(join(tmpdir(), 'token-meter-moments-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a log says what its process is in the middle of', async () => {
  const path = join(folder, 'log')
  expect(readMoments(path)).toBeUndefined()
  const log = new MomentLog(path)
  expect(readMoments(path)).toEqual([])
  const { promise, resolve } = Promise.withResolvers<string>()
  const claiming = log.during('claim', () => promise)
  expect(log.during('append', () => readMoments(path))).toEqual(['append', 'claim'])
  expect(() =>
    log.during('settle', () => {
      throw new Error('settled badly')
    }),
  ).toThrow('settled badly')
  log.move(undefined, 'send')
  log.move(undefined, 'send')
  log.move('send', 'answered')
  expect(readMoments(path)).toEqual(['claim', 'send', 'answered'])
  resolve('a batch')
  expect(await claiming).toBe('a batch')
  expect(readMoments(path)).toEqual(['send', 'answered'])
})

test('an ambush kills its process in the middle of its moment', async () => {
  const path = join(folder, 'ambushed')
  const child: ChildProcess = spawn(process.execPath, [
    join(import.meta.dirname, 'ambushed-child.ts'),
    path,
  ])
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  expect(readMoments(path)).toEqual(['append'])
})
