import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test.each(['answers', 'hangs'])('a process whose outbox %s ends by itself', async (outbox) => {
  const child = fileURLToPath(new URL('process-exit-child.ts', import.meta.url))
  // It is killed, and fails, where it does not end.
  const options = { timeout: 20_000 }
  const { stdout } = await promisify(execFile)(process.execPath, [child, outbox], options)
  expect(stdout).toBe('end\n')
})
