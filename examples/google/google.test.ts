import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the story runs without keys, and every request is a record', async () => {
  const { GEMINI_API_KEY: _, ...env } = process.env
  const story = join(import.meta.dirname, 'google.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [story], { env })
  const records = stdout.split('\n').filter((line) => line.includes('cus_ada'))
  expect(records.map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual(
    [
      'input 12 cached 0 output 28',
      'input 7 cached 0 output 50',
      'input 9 cached 0 output 24',
      'input 22 cached 0 output 22',
      'input 48 cached 0 output 26',
      'input 71 cached 0 output 27',
    ].map((counts) => `cus_ada google/gemini-2.5-flash ${counts} (20 reasoning) complete`),
  )
  expect(stderr).toBe('')
})
