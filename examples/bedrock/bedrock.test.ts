import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the story runs without keys, and every request is a record', async () => {
  const { AWS_REGION: _, ...env } = process.env
  const story = join(import.meta.dirname, 'bedrock.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [story], { env })
  const records = stdout.split('\n').filter((line) => line.includes('cus_ada'))
  const claude = 'cus_ada bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0'
  expect(records.map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
    `${claude} input 19 cached 0 written 0 output 9 complete`,
    `${claude} input 12 cached 0 written 0 output 13 complete`,
    `${claude} input 6 cached 0 written 4801 output 5 complete`,
    `${claude} input 7 cached 4801 written 0 output 5 complete`,
    'cus_ada bedrock/us.meta.llama3-3-70b-instruct-v1:0 input 4 cached 0 written 0 output 1 complete',
  ])
  expect(stderr).toBe('')
})
