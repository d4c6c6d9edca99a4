import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the story runs without keys, and bills each call', async () => {
  const story = join(import.meta.dirname, 'openai.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [story], {
    env: { PATH: process.env['PATH'] },
    timeout: 20_000,
  })
  const billed = stdout.split('\n').filter((line) => line.startsWith('  cus_tea_shop'))
  expect(billed).toEqual([
    '  cus_tea_shop  chat.completions  gpt-5.4-2026-03-05: input 20, cachedInput 1000, output 4',
    '  cus_tea_shop  responses  gpt-5.4-2026-03-05: input 12, output 30',
    '  cus_tea_shop  images.generations  gpt-image-2: input 9, output 1056, imageOutput 1056',
    '  cus_tea_shop  audio.speech  tts-1: characters 17',
  ])
  expect(stdout).toContain('Tea is warm.')
  expect(stdout).toContain('4 bytes of speech')
  expect(stderr).not.toContain('token-meter')
})
