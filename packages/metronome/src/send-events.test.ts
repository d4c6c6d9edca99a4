import { expect, test } from 'vitest'
import type { Outcome } from './outcome.ts'
import { sendEvents, type QueuedEvent } from './send-events.ts'

const never = new AbortController().signal

/** Sends events `0`, `1`, ...; `answer` is what becomes of each request. */
async function run(
  count: number,
  answer: (ids: readonly string[]) => Outcome,
  { attempts = 0, signal = never } = {},
) {
  const requests: (readonly string[])[] = []
  const queued: QueuedEvent[] = Array.from({ length: count }, (_, index) => ({
    attempts,
    event: {
      transaction_id: String(index),
      customer_id: 'c',
      event_type: 't',
      timestamp: '',
      properties: {},
    },
  }))
  const outcomes = await sendEvents(
    queued,
    async (sent) => {
      const ids = sent.map(({ event }) => event.transaction_id)
      requests.push(ids)
      return answer(ids)
    },
    signal,
  )
  return { requests, outcomes }
}

const accepted: Outcome = { status: 'accepted' }
const refused: Outcome = { status: 'refused', reason: 'bad' }
const failed: Outcome = {
  status: 'retry',
  cause: 'failure',
  reason: '500',
  uncertain: true,
  mayDivide: true,
}

test('no more than 100 go together', async () => {
  const { requests, outcomes } = await run(250, () => accepted)
  expect(requests.map(({ length }) => length)).toEqual([100, 100, 50])
  expect(outcomes.every((outcome) => outcome === accepted)).toBe(true)
})

test.each([0, 1, 57, 99])(
  'one poison among a hundred, at %i, is found in few requests',
  async (place) => {
    const { requests, outcomes } = await run(100, (ids) =>
      ids.includes(String(place)) ? refused : accepted,
    )
    expect(outcomes.map((outcome) => outcome?.status === 'refused')).toEqual(
      outcomes.map((_, index) => index === place),
    )
    expect(requests.length).toBeLessThanOrEqual(15)
  },
)

test.each([0, 99])(
  'a poison that Metronome fails with, at %i, is isolated after some attempts',
  async (place) => {
    const answer = (ids: readonly string[]) => (ids.includes(String(place)) ? failed : accepted)
    const early = await run(100, answer, { attempts: 2 })
    expect(early.requests).toHaveLength(1)
    expect(early.outcomes.every((outcome) => outcome?.status === 'retry')).toBe(true)
    const { outcomes } = await run(100, answer, { attempts: 3 })
    const waiting = outcomes.flatMap((outcome, index) => (outcome === accepted ? [] : [index]))
    expect(waiting).toEqual([place])
  },
)

test('an outage is known as one, and what was in a failed request stays uncertain', async () => {
  const { requests, outcomes } = await run(100, () => failed, { attempts: 9 })
  expect(requests.length).toBeLessThanOrEqual(12)
  expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ uncertain: true })))
})

test.each<[string, Outcome, boolean]>([
  ['the account', { status: 'retry', cause: 'account', reason: '401' }, false],
  ['silence', { status: 'retry', cause: 'failure', reason: 'timeout', uncertain: true }, true],
])('%s ends the sending; what was not sent is certain', async (_, outcome, uncertain) => {
  const { requests, outcomes } = await run(200, () => outcome, { attempts: 9 })
  expect(requests).toHaveLength(1)
  expect(outcomes[0]).toEqual(outcome)
  expect(outcomes[199]).toMatchObject({
    status: 'retry',
    reason: outcome.status === 'retry' ? outcome.reason : '',
  })
  expect('uncertain' in (outcomes[0] ?? {})).toBe(uncertain)
  expect(outcomes[199]).not.toHaveProperty('uncertain')
})

test('one failed request does not keep the next from being sent', async () => {
  const { requests, outcomes } = await run(200, (ids) => (ids.includes('0') ? failed : accepted))
  expect(requests).toHaveLength(2)
  expect(outcomes[199]).toBe(accepted)
})

test('what only a proxy refuses is divided, and waits alone', async () => {
  const foreign: Outcome = { status: 'retry', cause: 'event', reason: 'html' }
  const { outcomes } = await run(100, (ids) => (ids.includes('42') ? foreign : accepted))
  expect(outcomes.filter((outcome) => outcome !== accepted)).toEqual([foreign])
  const all = await run(100, () => foreign)
  expect(all.requests.length).toBeLessThanOrEqual(12)
})
