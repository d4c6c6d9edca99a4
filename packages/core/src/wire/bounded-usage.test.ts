import { expect, test } from 'vitest'
import { boundedCode, boundedId, boundedModel, boundedUsage } from './bounded-usage.ts'

const long = 'The customer asked about her illness. '.repeat(30_000)

test('a usage object keeps its numbers and codes', () => {
  const usage = {
    input_tokens: 3,
    cost: 0.25,
    is_byok: false,
    nothing: null,
    details: [{ modality: 'TEXT', tokenCount: 3 }],
    service_tier: 'x'.repeat(64),
  }
  expect(boundedUsage(usage)).toEqual(usage)
  expect(boundedUsage(usage)).not.toBe(usage)
})

test.each([undefined, null, Symbol('s'), () => 1])('no usage is null', (raw) => {
  expect(boundedUsage(raw)).toBeNull()
})

test('longer text is no code: its length is kept, wherever it stands', () => {
  const usage = { note: long, deep: { list: [long, 'ok'] }, [long]: 1 }
  expect(boundedUsage(usage)).toEqual({
    note: `(${long.length} characters)`,
    deep: { list: [`(${long.length} characters)`, 'ok'] },
  })
  expect(boundedUsage(long)).toBe(`(${long.length} characters)`)
})

test('what is deep, huge, circular or throws is bounded', () => {
  let deep: object = { end: 1 }
  for (let level = 0; level < 10_000; level++) deep = { deep }
  const circular: Record<string, unknown> = { input_tokens: 1 }
  circular.self = circular
  const huge = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`field_${at}`, at]))
  for (const raw of [deep, circular, huge, { list: Array.from({ length: 50_000 }, () => [1]) }]) {
    expect(JSON.stringify(boundedUsage(raw)).length).toBeLessThan(100_000)
  }
  expect(boundedUsage(circular)).toMatchObject({ input_tokens: 1 })
  const throwing = {
    get field(): never {
      throw new Error('mine')
    },
  }
  expect(boundedUsage(throwing)).toBeNull()
  expect(boundedUsage({ big: 12n, bigger: 10n ** 30n })).toEqual({
    big: 12,
    bigger: `${10n ** 30n}`,
  })
})

test('names, codes and ids have their lengths', () => {
  expect([boundedModel(long).length, boundedCode(long).length]).toEqual([256, 64])
  expect([boundedModel('gpt-5'), boundedCode('flex'), boundedId('resp_1')]).toEqual([
    'gpt-5',
    'flex',
    'resp_1',
  ])
  expect([boundedId(long), boundedId(''), boundedId(7)]).toEqual([undefined, undefined, undefined])
})
