import { describe, expect, test } from 'vitest'
import { deriveRecordId, mintRecordId } from './record-id.ts'

describe('record ids', () => {
  test('minted ones are UUIDv7: unique, and ordered by time', () => {
    const ids = Array.from({ length: 10_000 }, () => mintRecordId(1_795_000_000_000))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(mintRecordId(1_795_000_000_000) < mintRecordId(1_795_000_000_001)).toBe(true)
    expect(Number.parseInt(mintRecordId(1_795_000_000_123).replace('-', '').slice(0, 12), 16)).toBe(
      1_795_000_000_123,
    )
  })

  test.each([0, 0.5, 65_535, 65_536, 2 ** 48 - 1, Number.MAX_SAFE_INTEGER])(
    'one of the time %d is a UUIDv7 too',
    (at) => {
      const [time = '', low = '', ...random] = mintRecordId(at).split('-')
      expect(Number.parseInt(time + low, 16)).toBe(Math.floor(at) % 2 ** 48)
      expect(random.join('-')).toMatch(/^7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(`${time}-${low}`).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}$/)
    },
  )

  test('derived ones are the same for the same parts, and fit any backend', () => {
    expect(deriveRecordId('openai', 'resp_1')).toBe(deriveRecordId('openai', 'resp_1'))
    expect(deriveRecordId('openai', 'resp_1')).not.toBe(deriveRecordId('azure', 'resp_1'))
    expect(deriveRecordId('a', 'bc')).not.toBe(deriveRecordId('ab', 'c'))
    expect(deriveRecordId('openai', 'x'.repeat(1e6))).toHaveLength(36)
  })
})
