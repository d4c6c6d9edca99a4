import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { ConfigError, ObserverError, OutboxError } from '../errors/errors.ts'
import { warnOnConsole } from './events.ts'

function start() {
  const lines: string[] = []
  return { lines, warn: warnOnConsole((line) => void lines.push(line)) }
}

test('says each kind of fault once a minute', () => {
  const { lines, warn } = start()
  for (let time = 0; time < 3; time++) warn(new ConfigError('no'))
  expect(lines).toEqual(['[token-meter] config: no'])
})

test('one observer fault does not silence another', () => {
  const { lines, warn } = start()
  for (let time = 0; time < 3; time++) warn(new ObserverError('a call could not be observed'))
  warn(new ObserverError('customers would be billed twice'))
  expect(lines).toHaveLength(2)
  expect(lines[1]).toContain('billed twice')
})

test('usage that is nowhere else is printed whole, each time', () => {
  const { lines, warn } = start()
  const records = [exampleRecord(), exampleRecord()]
  warn(new OutboxError('cannot read'))
  for (const record of records) warn(new OutboxError('not kept', { records: [record] }))
  expect(lines).toHaveLength(3)
  for (const [index, record] of records.entries()) {
    const line = lines[index + 1] ?? ''
    expect(line).toMatch(/^\[token-meter] outbox: not kept /)
    expect(line).not.toContain('\n')
    expect(JSON.parse(line.slice(line.indexOf('[{')))).toEqual([record])
  }
})

test('a raw usage that JSON cannot write loses no record', () => {
  const { lines, warn } = start()
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const record = exampleRecord({ raw: circular })
  warn(new OutboxError('not kept', { records: [record, exampleRecord({ raw: { n: 1n } })] }))
  expect(lines[0]).toContain(record.id)
})
