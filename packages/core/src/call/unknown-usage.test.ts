import { expect, test } from 'vitest'
import { pathPattern } from './unknown-usage.ts'

test.each([
  ['/async/chat/completions', '/async/chat/completions'],
  ['/v2/rerank?api-key=secret', '/v2/rerank'],
  ['/jobs/job_123/run', '/jobs/:id/run'],
  ['https://host.example/v1/x/0f3a#y', 'https://host.example/v1/x/:id'],
])('%s is told as %s', (path, pattern) => {
  expect(pathPattern(path)).toBe(pattern)
})
