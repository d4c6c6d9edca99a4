import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { openaiJobsWire } from './protocol.ts'

const context: WireContext = {
  baseUrl: undefined,
  provider: 'openai',
  jobs: () => {
    throw new Error('no job is asked for')
  },
  warn: () => {},
}

test('a field of a body that is a getter is read once to find out what is asked for', () => {
  let reads = 0
  const body = {
    get background() {
      reads++
      return false
    },
  }
  const url = 'https://api.openai.com/v1/responses'
  const operation = openaiJobsWire.open({ method: 'POST', url, headers: undefined, body }, context)
  expect(operation).toMatchObject({ endpoint: { name: 'responses' } })
  expect(reads).toBe(1)
  expect((operation as WireOperation).body.background).toBe(false)
  expect(reads).toBe(1)
})
