import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the story runs without keys, and bills what asked a model', async () => {
  const story = join(import.meta.dirname, 'fetch.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [story], {
    env: { PATH: process.env['PATH'] },
    timeout: 20_000,
  })
  const billed = stdout.split('\n').filter((line) => line.startsWith('  cus_tea_shop'))
  expect(billed).toEqual([
    '  cus_tea_shop  openai chat.completions  gpt-5.4-2026-03-05: input 20, output 4',
    '  cus_tea_shop  mistral chat.completions  mistral-medium-2508: input 12, output 3',
    '  cus_tea_shop  openai embeddings  bge-m3: input 5',
  ])
  expect(stdout).toContain('Tea is warm.\nGreen tea.\n')
  expect(stdout).toContain("{ status: 'delivered' }")
  expect(stderr).not.toContain('token-meter')
})
