import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FakeOpenMeter } from '@token-meter/testkit'
import { onTestFinished } from 'vitest'

const script = fileURLToPath(new URL('delivery-child.ts', import.meta.url))

/** Starts `delivery-child.ts`; it is killed at the end of the test. */
export function spawnDelivery(path: string, { apiKey, url }: FakeOpenMeter, sums = '') {
  const child = spawn(process.execPath, [script, path, apiKey, url, sums], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  return { ended, kill: () => void child.kill('SIGKILL') }
}

/** A path for an outbox, in a folder that goes with the test. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-openmeter-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'usage.db')
}
