import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the example runs without keys and prints its records', async () => {
  const { OPENAI_API_KEY: _, ...env } = process.env
  const example = join(import.meta.dirname, 'ai-sdk.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [example], { env })
  expect(stdout).toContain('There are 12 tins left.   (2 steps')
  expect(stdout).toContain('Steam writes slowly, and forgets.')
  expect(stdout.split('\n').filter((line) => line.startsWith('record'))).toEqual([
    'record  cus_123  openai/gpt-5.4-mini  input 58  cached 0+0  output 12  complete',
    'record  cus_123  openai/gpt-5.4-mini  input 19  cached 64+0  output 9  complete',
    'record  cus_123  openai/gpt-5.4-mini  input 12  cached 0+0  output 8  complete',
  ])
})
