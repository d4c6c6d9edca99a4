import { expect, test } from 'vitest'
import type { AccessEntry } from '../access-entry.ts'
import { accessLog } from './access-log.ts'

const entry: AccessEntry = {
  id: 'r1',
  at: Date.UTC(2026, 10, 30),
  method: 'POST',
  path: '/openai/v1/chat/completions',
  upstream: 'openai',
  status: 200,
  outcome: 'answered',
  keyId: 'k1',
  customer: 'cus_1',
  model: 'gpt-5.4',
  ms: 12.345678,
  bytesIn: 10,
  bytesOut: 20,
  tokens: 15,
}

function start(writableLength = 0) {
  const written: string[] = []
  const stream = { writableLength, write: (line: string) => void written.push(line) }
  return { log: accessLog(stream), stream, written }
}

test('a request is a line of JSON with its time', () => {
  const { log, written } = start()
  log(entry)
  const { at: _, ...rest } = entry
  expect(written.map((line) => line.endsWith('\n'))).toEqual([true])
  expect(JSON.parse(written[0]!)).toEqual({ ...rest, time: '2026-11-30T00:00:00.000Z', ms: 12.346 })
})

test('what a caller writes breaks no line, and is cut', () => {
  const { log, written } = start()
  log({ ...entry, path: `/a\n{"id":"forged"}${'x'.repeat(5000)}`, model: 'm\r\n' })
  expect(written[0]!.trimEnd()).not.toContain('\n')
  expect(JSON.parse(written[0]!).path).toHaveLength(501)
})

test('where nobody reads, lines are left out, and how many is said', () => {
  const { log, stream, written } = start(9 * 1024 * 1024)
  log(entry)
  log(entry)
  expect(written).toEqual([])
  stream.writableLength = 0
  log(entry)
  expect(JSON.parse(written[0]!)).toMatchObject({ id: 'r1', leftOut: 2 })
})

test('who looks whether it is well is no line, unless it is not', () => {
  const { log, written } = start()
  const own = { ...entry, outcome: 'own', upstream: null } as const
  for (const path of ['/health/ready', '/health/live', '/llm/metrics']) log({ ...own, path })
  expect(written).toEqual([])
  log({ ...own, path: '/health/ready', status: 503 })
  log({ ...own, path: '/key/list' })
  log({ ...entry, path: '/openai/v1/metrics' })
  expect(written).toHaveLength(3)
})
