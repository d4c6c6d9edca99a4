import { expect, test } from 'vitest'
import { meterErrorData } from './meter-error-event.ts'

const sample = (request: unknown) => ({ error_message: 'No such customer.', request })

test('samples are named by the identifier, or by the idempotency key', () => {
  const samples = [
    sample({ identifier: 'a:input' }),
    sample({ id: '', idempotency_key: 'b:input' }),
    sample({ identifier: '', idempotency_key: 'c:input' }),
  ]
  const type = { code: 'no_meter', error_count: 9, sample_errors: samples }
  const data = {
    validation_start: '2026-11-21T10:00:00.000Z',
    validation_end: '2026-11-21T10:00:10.000Z',
    reason: { error_count: 9, error_types: [type] },
  }
  const message = 'No such customer.'
  expect(meterErrorData(data)).toEqual({
    fromMs: Date.UTC(2026, 10, 21, 10),
    untilMs: Date.UTC(2026, 10, 21, 10, 0, 10),
    errors: [
      {
        code: 'no_meter',
        count: 9,
        samples: ['a', 'b', 'c'].map((id) => ({ eventId: `${id}:input`, message })),
      },
    ],
  })
})

test.each([
  undefined,
  null,
  'text',
  {},
  { reason: null },
  { reason: { error_types: {} } },
  { validation_start: 5, validation_end: 'soon' },
])('of %j nothing is read, and nothing is thrown', (data) => {
  expect(meterErrorData(data)).toEqual({ fromMs: undefined, untilMs: undefined, errors: [] })
})

test.each([
  [null, 'unknown', 0, 0],
  [{ code: 7, error_count: -1 }, 'unknown', 0, 0],
  [{ code: 'x', error_count: '3', sample_errors: [null] }, 'x', 1, 0],
  [{ code: 'x', error_count: 1.5, sample_errors: [sample({ identifier: 'a' }), 4] }, 'x', 2, 1],
])('odd errors %j count as far as they can', (type, code, count, named) => {
  const { errors } = meterErrorData({ reason: { error_types: [type] } })
  expect(errors).toMatchObject([{ code, count, samples: { length: named } }])
})
