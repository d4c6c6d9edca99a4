import { describe, expect, test } from 'vitest'
import { createChunkedSender, createCircuitBreaker, type ChunkedBackend } from './chunked-sender.ts'
import type { EventOutcome, EventRetry } from './outcome.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { EventRequest } from './send-batch.ts'

const never = new AbortController().signal

const accepted: EventOutcome = { status: 'accepted' }
const refused: EventOutcome = { status: 'rejected', reason: 'bad', code: 'refused' }
const retry = (more: Partial<EventRetry> = {}): EventRetry => ({
  status: 'retry',
  scope: 'backend',
  reason: 'down',
  ...more,
})
const crash = retry({ suspect: 'crash', uncertain: true })

type Run = Partial<Omit<ChunkedBackend<string>, 'post'>> & {
  readonly attempts?: number
  readonly signal?: AbortSignal
  readonly begin?: () => Promise<EventRequest>
}

/** Sends events `0`, `1`, ...; `answer` is what becomes of each request. */
async function run(
  count: number,
  answer: (
    ids: readonly string[],
    attempt: Parameters<ChunkedBackend<string>['post']>[1],
  ) => ReturnType<ChunkedBackend<string>['post']> | EventOutcome,
  { attempts = 0, signal = never, begin, ...backend }: Run = {},
) {
  const requests: (readonly string[])[] = []
  const told: string[] = []
  const sender = createChunkedSender<string>({
    name: 'It',
    eventsPerRequest: 100,
    ...backend,
    post: async (queued, attempt) => {
      const ids = queued.map(({ id }) => id)
      attempt.check()
      requests.push(ids)
      return await answer(ids, attempt)
    },
  })
  const queued = Array.from({ length: count }, (_, index) => {
    const id = String(index)
    return { id, event: id, attempts, uncertainSince: undefined }
  })
  const sent = await sender.send(
    queued,
    signal,
    begin ??
      (async (events) => ({
        check: () => {},
        answered: (known, isOver) => {
          const ids = events.map(({ id }) => id).join()
          const statuses = events.map((_, index) => known[index]?.outcome.status ?? 'open').join()
          told.push(`${ids}: ${isOver === true ? 'over' : statuses}`)
        },
      })),
  )
  expect(sent.map(({ id }) => id)).toEqual(queued.map(({ id }) => id))
  return { requests, told, outcomes: sent.map(({ outcome }) => outcome) }
}

const placesOf = (outcomes: readonly EventOutcome[], status: string) =>
  outcomes.flatMap((outcome, place) => (outcome.status === status ? [place] : []))

describe('requests', () => {
  test('no more go together than the backend takes', async () => {
    const { requests, outcomes } = await run(250, () => accepted)
    expect(requests.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(placesOf(outcomes, 'accepted')).toHaveLength(250)
    expect((await run(0, () => accepted)).requests).toEqual([])
  })

  test.each([
    [1, undefined, undefined],
    [3, { maxConcurrentRequests: 3 }, undefined],
    [2, { maxConcurrentRequests: 9 }, (event: string) => String(Number(event) % 2)],
  ])('%i go at a time with %j', async (most, limits, laneOf) => {
    let [now, atMost] = [0, 0]
    const work = async () => {
      atMost = Math.max(atMost, ++now)
      await new Promise((resolve) => setTimeout(resolve, 1))
      now -= 1
      return accepted
    }
    const limiter = limits && { limiter: createRateLimiter(limits) }
    const lanes = laneOf && { laneOf }
    await run(9, work, { eventsPerRequest: 1, ...limiter, ...lanes })
    expect(atMost).toBe(most)
  })

  test('what must not be sent any more is not, and the others of its request are', async () => {
    const { requests, outcomes } = await run(3, () => accepted, {
      outsideWindow: ({ id }) => (id === '1' ? refused : undefined),
    })
    expect(requests).toEqual([['0', '2']])
    expect(outcomes).toEqual([accepted, refused, accepted])
  })

  test('a window that closes between the mark and the request keeps it from being sent', async () => {
    let asked = 0
    const { requests, told, outcomes } = await run(2, () => accepted, {
      outsideWindow: ({ id }) => (id === '1' && ++asked > 1 ? refused : undefined),
    })
    expect(requests).toEqual([['0']])
    expect(told).toEqual(['0,1: over', '0: accepted'])
    expect(outcomes).toEqual([accepted, refused])
  })

  test('without what a request needs nothing is marked', async () => {
    const unprepared = retry({ scope: 'account', reason: 'no session' })
    const { told, outcomes } = await run(200, () => accepted, { prepare: async () => unprepared })
    expect(told).toEqual([])
    expect(outcomes).toEqual(Array.from({ length: 200 }, () => unprepared))
  })
})

describe('one that is to blame', () => {
  test.each([0, 1, 57, 99])('is found by halves among a hundred, at %i', async (place) => {
    const { requests, outcomes } = await run(100, (ids) =>
      ids.includes(String(place)) ? refused : accepted,
    )
    expect(placesOf(outcomes, 'rejected')).toEqual([place])
    expect(requests.length).toBeLessThanOrEqual(15)
  })

  test('of several requests at once is found in each', async () => {
    const limiter = createRateLimiter({ maxConcurrentRequests: 4 })
    const { outcomes } = await run(
      300,
      (ids) => (ids.some((id) => id.endsWith('37')) ? refused : accepted),
      { limiter },
    )
    expect(placesOf(outcomes, 'rejected')).toEqual([37, 137, 237])
  })

  test.each([0, 99])(
    'and that the backend fails with, at %i, is isolated after some attempts',
    async (place) => {
      const answer = (ids: readonly string[]) => (ids.includes(String(place)) ? crash : accepted)
      const early = await run(100, answer, { attempts: 2 })
      expect(early.requests).toHaveLength(1)
      expect(placesOf(early.outcomes, 'retry')).toHaveLength(100)
      const { outcomes } = await run(100, answer, { attempts: 3 })
      expect(placesOf(outcomes, 'retry')).toEqual([place])
    },
  )

  test('and two of them, where the backend may fail with so many parts', async () => {
    const { outcomes } = await run(
      100,
      (ids) => (ids.includes('0') || ids.includes('99') ? crash : accepted),
      { attempts: 3, failedPartsThreshold: 12 },
    )
    expect(placesOf(outcomes, 'retry')).toEqual([0, 99])
  })

  test('and that something on the way refuses, waits alone', async () => {
    const foreign = retry({ scope: 'event', suspect: 'refusal' })
    const { outcomes } = await run(100, (ids) => (ids.includes('42') ? foreign : accepted))
    expect(placesOf(outcomes, 'retry')).toEqual([42])
    const all = await run(100, () => foreign)
    expect(all.requests).toHaveLength(3)
  })

  test('by name needs no halves: the others are sent again without it', async () => {
    const { requests, told, outcomes } = await run(4, (ids) => {
      const place = ids.indexOf('2')
      return place < 0
        ? accepted
        : ({ status: 'judged', outcomes: new Map([[place, refused]]) } as never)
    })
    expect(requests).toEqual([
      ['0', '1', '2', '3'],
      ['0', '1', '3'],
    ])
    expect(told).toEqual(['0,1,2,3: over', '0,1,3: accepted,accepted,accepted'])
    expect(outcomes).toEqual([accepted, accepted, refused, accepted])
  })
})

describe('an outage', () => {
  test('costs three requests, and what was in a failed request stays uncertain', async () => {
    const { requests, outcomes } = await run(100, () => crash, { attempts: 9 })
    expect(requests).toHaveLength(3)
    for (const outcome of outcomes) expect(outcome).toMatchObject({ uncertain: true })
  })

  test.each<[string, EventRetry, boolean]>([
    ['the account', retry({ scope: 'account' }), false],
    ['silence', retry({ uncertain: true }), true],
  ])('of %s ends the sending; what was not sent is certain', async (_, outcome, uncertain) => {
    const { requests, outcomes } = await run(200, () => outcome, { attempts: 9 })
    expect(requests).toHaveLength(1)
    expect(outcomes[0]).toEqual(outcome)
    expect(outcomes[199]).toMatchObject({ status: 'retry', reason: 'down' })
    expect('uncertain' in (outcomes[0] ?? {})).toBe(uncertain)
    expect(outcomes[199]).not.toHaveProperty('uncertain')
  })

  test('is not put off by events that are judged without a request', async () => {
    const { requests } = await run(20, () => retry(), {
      eventsPerRequest: 1,
      failureThreshold: 3,
      outsideWindow: ({ id }) => (Number(id) % 2 === 1 ? refused : undefined),
    })
    expect(requests).toEqual([['0'], ['2'], ['4']])
  })

  test('what is the own matter of a request keeps no other from being sent', async () => {
    const { requests } = await run(200, () => retry({ scope: 'event' }))
    expect(requests).toHaveLength(2)
  })

  test('an event that may have arrived before stays uncertain, whatever the last answer is', async () => {
    const judged = { status: 'judged', outcomes: new Map([[0, accepted]]), othersUncertain: true }
    const { told, outcomes } = await run(2, (ids) =>
      ids.length === 2 ? (judged as never) : retry({ scope: 'account' }),
    )
    expect(outcomes).toEqual([accepted, retry({ scope: 'account', uncertain: true })])
    expect(told[0]).toBe('0,1: accepted,open')
  })
})

describe('an end before the answer', () => {
  test('what is under way is uncertain, and what is not sent is certain', async () => {
    const controller = new AbortController()
    const { requests, outcomes } = await run(
      200,
      () => {
        controller.abort(new Error('closing'))
        return new Promise<never>(() => {})
      },
      { signal: controller.signal },
    )
    expect(requests).toHaveLength(1)
    expect(outcomes[0]).toEqual(
      retry({ reason: 'stopped before It answered: closing', uncertain: true }),
    )
    expect(outcomes[199]).toEqual(retry({ reason: 'stopped before it was sent: closing' }))
  })

  test('what had no effect before it is sent again is certain', async () => {
    const controller = new AbortController()
    const { outcomes } = await run(
      1,
      (_, attempt) => {
        attempt.hadNoEffect()
        controller.abort(new Error('closing'))
        return new Promise<never>(() => {})
      },
      { signal: controller.signal },
    )
    expect(outcomes[0]).not.toHaveProperty('uncertain')
  })

  test('work that nobody waits for any longer keeps its lane until it ends', async () => {
    const controller = new AbortController()
    const order: string[] = []
    let end = () => {}
    const sender = createChunkedSender<string>({
      name: 'It',
      eventsPerRequest: 1,
      limiter: createRateLimiter({ maxConcurrentRequests: 9 }),
      laneOf: () => 'a',
      post: async ([first]) => {
        order.push(`begins ${first?.id}`)
        if (first?.id === 'slow') await new Promise<void>((resolve) => (end = resolve))
        order.push(`ends ${first?.id}`)
        return accepted
      },
    })
    const send = (id: string, signal: AbortSignal) =>
      sender.send(
        [{ id, event: id, attempts: 0, uncertainSince: undefined }],
        signal,
        async () => ({
          check: () => {},
          answered: () => {},
        }),
      )
    const slow = send('slow', controller.signal)
    const next = send('next', never)
    await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort(new Error('closing'))
    expect(await slow).toMatchObject([{ outcome: { status: 'retry' } }])
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(order).toEqual(['begins slow'])
    end()
    expect(await next).toMatchObject([{ outcome: accepted }])
    expect(order).toEqual(['begins slow', 'ends slow', 'begins next', 'ends next'])
  })

  test('nothing is sent where the outbox does not take the mark, or the claim has ended', async () => {
    const lost = new Error('the claim has ended')
    const unmarked = await run(2, () => accepted, { begin: () => Promise.reject(lost) })
    const ended = await run(2, () => accepted, {
      begin: async () => ({
        check: () => {
          throw lost
        },
        answered: () => {},
      }),
    })
    for (const { requests, outcomes } of [unmarked, ended]) {
      expect(requests).toEqual([])
      const reason = 'stopped before it was sent: the claim has ended'
      expect(outcomes).toEqual([retry({ reason }), retry({ reason })])
    }
  })
})

describe('the circuit breaker', () => {
  function openAfter(...outcomes: readonly EventOutcome[]): boolean {
    const breaker = createCircuitBreaker(3)
    for (const outcome of outcomes) breaker.note(outcome)
    return breaker.openReason !== undefined
  }

  test('opens at once for what reaches the whole account', () => {
    expect(openAfter(accepted, retry({ scope: 'account' }))).toBe(true)
  })

  test('opens after failures in a row, but not with an answer between them', () => {
    expect(openAfter(retry(), retry())).toBe(false)
    expect(openAfter(retry(), retry(), retry())).toBe(true)
    expect(openAfter(retry(), retry(), accepted, retry())).toBe(false)
  })

  test('never opens for the bad luck of one event', () => {
    expect(openAfter(...Array.from({ length: 9 }, () => retry({ scope: 'event' })))).toBe(false)
  })

  test('what is not sent because of it has certainly not arrived', () => {
    const breaker = createCircuitBreaker(1)
    breaker.note(crash)
    expect(breaker.openReason).toEqual(retry())
  })
})
