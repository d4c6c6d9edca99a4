import Metronome from '@metronome/sdk'
import { batchOf, never, recordsOf, startFakeMetronome, type Fault } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeSink } from '../src/index.ts'

/** What a sink answers for a record, when Metronome or the way to it answers the fault. */
async function resultOf(fault: Fault, isShared: boolean, known = {}) {
  const fake = await startFakeMetronome()
  onTestFinished(() => fake.close())
  const { bearerToken, url } = fake
  // With retries of its own, which must not be used.
  const client = new Metronome({ bearerToken, baseURL: url, maxRetries: 3 })
  const sink = metronomeSink(
    isShared ? { client, timeoutMs: 300 } : { bearerToken, baseUrl: url, timeoutMs: 300 },
  )
  fake.failWith(fault, { times: Infinity })
  const [result] = await sink.send(batchOf(recordsOf(1), known), never)
  return { result, fake }
}

const json = (status: number, headers: Record<string, string> = {}): Fault => ({
  status,
  headers,
  body: { message: 'Because.' },
})
const page: string = `<html>${'x'.repeat(2000)}</html>`

/** The rows of the table in the README. */
const certainRetries: readonly (readonly [string, Fault, object])[] = [
  ['401', json(401), { afterMs: 60_000, reason: expect.stringMatching(/bearerToken/) }],
  ['403', json(403), { afterMs: 60_000, reason: expect.stringMatching(/scope.*Because/) }],
  ['404', json(404), { afterMs: 60_000, reason: expect.stringMatching(/set baseUrl/) }],
  ['405', json(405), { afterMs: 60_000 }],
  ['415', json(415), { afterMs: 60_000 }],
  [
    '301',
    json(301, { location: 'https://new.example/v1/ingest' }),
    { afterMs: 60_000, reason: expect.stringMatching(/redirect to https:\/\/new\.example/) },
  ],
  ['307', json(307, { location: '/elsewhere' }), { afterMs: 60_000 }],
  ['408', json(408), {}],
  ['409', json(409), {}],
  ['429', json(429), {}],
  ['429 until', json(429, { 'retry-after': '2' }), { afterMs: 2000 }],
  ["a proxy's 400", { status: 400, body: page }, { recordOnly: true }],
  ["a 400 of another's API", { status: 400, body: { error: 'bad' } }, { recordOnly: true }],
]
const uncertainRetries: readonly (readonly [string, Fault, object])[] = [
  ['500', json(500), {}],
  ['503 until', json(503, { 'retry-after': '2' }), { afterMs: 2000 }],
  ["a proxy's 502", { status: 502, body: page }, {}],
  ['a cut connection', { connection: 'reset' }, {}],
  [
    'no answer',
    { connection: 'hang' },
    { reason: expect.stringMatching(/did not answer within 300 ms/) },
  ],
  ['not JSON', { status: 200, body: page }, { reason: expect.stringMatching(/check baseUrl/) }],
  ["JSON that is not Metronome's", { status: 200, body: { ok: true } }, {}],
  ['a list', { status: 200, body: [] }, {}],
]

for (const isShared of [false, true]) {
  const whose = isShared ? 'a client of the application' : 'its own client'

  test.each(certainRetries)(`${whose}: %s is kept, and did not arrive`, async (_, fault, more) => {
    const { result, fake } = await resultOf(fault, isShared)
    expect(result).toMatchObject({ status: 'retry', reason: expect.stringMatching(/\w/), ...more })
    expect(result).not.toHaveProperty('uncertain')
    expect(fake.requests).toHaveLength(1)
  })

  test.each(uncertainRetries)(
    `${whose}: %s is kept, and may have arrived`,
    async (_, fault, more) => {
      const { result, fake } = await resultOf(fault, isShared)
      expect(result).toMatchObject({ status: 'retry', uncertain: true, ...more })
      expect(fake.requests).toHaveLength(1)
    },
  )

  test.each([400, 413, 422])(`${whose}: a %i of Metronome's is a dead letter`, async (status) => {
    const { result } = await resultOf(json(status), isShared)
    expect(result).toEqual({
      status: 'rejected',
      code: 'refused',
      reason: `Metronome refused it: ${status} Because.`,
    })
    const again = await resultOf(json(status), isShared, { uncertainSince: Date.now() })
    expect(again.result).toMatchObject({
      reason: expect.stringMatching(/may have it all the same/),
    })
  })

  test.each([
    ['empty', ''],
    ['an empty object', {}],
    ['data', { data: { accepted: 1 } }],
  ])(`${whose}: a 200 with %s is success`, async (_, body) => {
    expect((await resultOf({ status: 200, body }, isShared)).result).toEqual({ status: 'accepted' })
  })
}

test('a reason is short', async () => {
  const { result } = await resultOf({ status: 502, body: page }, false)
  expect(JSON.stringify(result).length).toBeLessThan(500)
})

test('no connection, and no such host, certainly had no effect, and say what broke', async () => {
  const fake = await startFakeMetronome()
  await fake.close()
  const { bearerToken } = fake
  for (const baseUrl of [fake.url, 'http://no-such-host.invalid']) {
    const sink = metronomeSink({ bearerToken, baseUrl })
    const [result] = await sink.send(batchOf(recordsOf(1)), never)
    expect(result).toMatchObject({
      status: 'retry',
      reason: expect.stringMatching(/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/),
    })
    expect(result).not.toHaveProperty('uncertain')
  }
})

test.each([false, true])('the token is in no reason (%s)', async (isShared) => {
  for (const status of [400, 401, 403, 404, 500]) {
    const fake = await startFakeMetronome()
    const { bearerToken, url } = fake
    const body = { message: `${'x'.repeat(250)} Bearer ${bearerToken} is no good: ${bearerToken}` }
    fake.failWith({ status, body })
    const client = new Metronome({ bearerToken, baseURL: url })
    const sink = metronomeSink(isShared ? { client } : { bearerToken, baseUrl: url })
    const [result] = await sink.send(batchOf(recordsOf(1)), never)
    expect(JSON.stringify(result)).not.toMatch(/metronome-token/)
    await fake.close()
  }
})
