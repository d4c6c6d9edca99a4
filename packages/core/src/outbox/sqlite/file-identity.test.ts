import files, { mkdtempSync, rmSync, type StatSyncFn, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'

test('a file has a place where nothing of /proc may be seen, as in Deno', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-place-'))
  const path = join(folder, 'usage.db')
  writeFileSync(path, '')
  const real = files.statSync
  const seen = vi.spyOn(files, 'statSync').mockImplementation(((
    ...args: Parameters<typeof real>
  ) => {
    if (args[0] === '/proc/self') throw new Error('Requires all access to "/proc/self"')
    return real(...args)
  }) as StatSyncFn)
  onTestFinished(() => {
    seen.mockRestore()
    rmSync(folder, { recursive: true })
  })
  vi.resetModules()
  const { isSamePlace, placeOf } = await import('./file-identity.ts')
  const place = placeOf(path)
  expect(place).toMatch(process.platform === 'linux' ? /^\d+$/ : /^\d+(@\d+)?$/)
  // Another process of this file may know when it was born.
  expect(isSamePlace(place, `${real(path).ino}@${real(path).birthtimeMs}`)).toBe(true)
})
