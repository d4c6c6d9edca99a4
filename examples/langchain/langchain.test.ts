import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the story runs without keys, and bills each call to its customer', async () => {
  const story = join(import.meta.dirname, 'langchain.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [story], {
    env: { PATH: process.env['PATH'] },
    timeout: 20_000,
  })
  const billed = stdout.split('\n').filter((line) => line.startsWith('  cus_'))
  expect(billed).toEqual([
    '  cus_tea_shop  chat.completions  gpt-5.4-2026-03-05: input 17, output 4',
    '  cus_coffee_bar  chat.completions  gpt-5.4-2026-03-05: input 60, output 40, reasoning 26',
    '  cus_coffee_bar  chat.completions  gpt-5.4-2026-03-05: input 56, cachedInput 64, output 9',
    '  cus_tea_shop  embeddings  text-embedding-3-small: input 4',
  ])
  expect(stdout).toContain('Tea is warm.')
  expect(stdout).toContain('There are 12 tins of green tea.')
  expect(stdout).toContain('2 vectors')
  expect(stderr).not.toContain('token-meter')
})
