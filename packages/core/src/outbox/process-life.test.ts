import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { isProcessGone, thisProcess } from './process-life.ts'

const onLinux = process.platform === 'linux'

test('this process is there, and one of another machine is not known', () => {
  const own = thisProcess()
  expect(isProcessGone(own)).toBe(false)
  expect(isProcessGone({ ...own, machine: 'elsewhere' })).toBeUndefined()
})

test.skipIf(!onLinux)('one whose process id another has now is gone', () => {
  expect(isProcessGone({ ...thisProcess(), start: '1' })).toBe(true)
})

test('one that may not be asked for is not gone', () => {
  // As Deno says it without `--allow-run`.
  const asked = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('Requires run access'), { name: 'NotCapable' })
  })
  onTestFinished(() => asked.mockRestore())
  expect(isProcessGone({ ...thisProcess(), start: '' })).toBe(false)
})

test('one that has ended is gone', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  expect(isProcessGone({ ...thisProcess(), pid: child.pid ?? 0, start: '' })).toBe(true)
})

test.skipIf(!onLinux)(
  'one that was killed and that its parent never asked for is gone',
  async () => {
    // The shell becomes a program that waits for nobody, and has a child that ends after that.
    const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 20'])
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(String(line))
      const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]
      await expect.poll(state).toBe('Z')
      expect(isProcessGone({ ...thisProcess(), pid, start: '' })).toBe(true)
    } finally {
      parent.kill('SIGKILL')
    }
  },
)
