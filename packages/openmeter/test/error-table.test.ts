import { OpenMeter } from '@openmeter/sdk'
import { batchOf, never, recordsOf, startFakeOpenMeter, type Fault } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { openMeterSink } from '../src/index.ts'

/** What a sink answers for one record, when OpenMeter or the way to it answers the fault. */
async function resultOf(kind: string, fault: Fault) {
  const fake = await startFakeOpenMeter({ api: kind === 'v3' ? 'v3' : 'v1' })
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  const where =
    kind === 'client'
      ? { client: new OpenMeter({ baseUrl: url, apiKey }) }
      : { apiKey, url: kind === 'v3' ? `${url}/v3/openmeter` : url }
  const sink = openMeterSink({ ...where, timeoutMs: 300 })
  fake.failWith(fault, { times: Infinity })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  return { result, fake }
}

const problem = (status: number, detail: string, type = 'application/problem+json'): Fault => ({
  status,
  headers: { 'content-type': type },
  body: { type: 'about:blank', title: 'Bad Request', status, detail },
})
const setup = { afterMs: 60_000 }

/** The rows of the table in the docs. */
const certainRetries: readonly (readonly [string, Fault, object, RegExp])[] = [
  ['401', { status: 401 }, setup, /set apiKey/],
  ['403', { status: 403 }, setup, /role that may write events/],
  ['404', { status: 404 }, setup, /set url/],
  ['405', { status: 405 }, setup, /set url/],
  ['402', problem(402, 'plan limit'), setup, /plan limit/],
  ["a proxy's 400", { status: 400, body: 'plain HTTP to HTTPS port' }, setup, /set url/],
  ['409', { status: 409 }, {}, /busy/],
  ['429', { status: 429 }, {}, /too many requests/],
  ['429 until', { status: 429, headers: { 'retry-after': '2' } }, { afterMs: 2000 }, /too many/],
]
const uncertainRetries: readonly (readonly [string, Fault])[] = [
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['a cut connection', { connection: 'reset' }],
  ['no answer', { connection: 'hang' }],
  ['200', { status: 200, body: '' }],
  ['200 in HTML', { status: 200, body: '<html>Sign in</html>' }],
  ['200 in JSON', { status: 200, body: { ok: true } }],
  ["a proxy's JSON", { status: 502, body: { message: 'Bad gateway' } }],
]
const rejections: readonly (readonly [string, Fault, RegExp])[] = [
  ['400', problem(400, 'invalid event: unknown'), /refused it \(400\)/],
  ['400 in UTF-8', problem(400, 'x', 'application/problem+json; charset=utf-8'), /\(400\)/],
  ['422', problem(422, 'invalid event'), /\(422\)/],
  ['413', { status: 413, body: 'too large' }, /\(413\)/],
]

for (const kind of ['v1', 'v3', 'client']) {
  test.each(certainRetries)(`${kind}: %s is kept, did not arrive`, async (_, fault, more, why) => {
    const { result, fake } = await resultOf(kind, fault)
    expect(result).toMatchObject({ status: 'retry', reason: expect.stringMatching(why), ...more })
    expect(result).not.toHaveProperty('uncertain')
    expect(fake.requests).toHaveLength(1)
  })

  test.each(uncertainRetries)(`${kind}: %s is kept, and may have arrived`, async (_, fault) => {
    const { result, fake } = await resultOf(kind, fault)
    expect(result).toMatchObject({ status: 'retry', uncertain: true })
    expect(fake.requests).toHaveLength(1)
  })

  test.each(rejections)(`${kind}: %s is a dead letter that says why`, async (_, fault, why) => {
    const { result } = await resultOf(kind, fault)
    expect(result).toMatchObject({ status: 'rejected', reason: expect.stringMatching(why) })
  })
}

test.each([301, 302, 307, 308])('a %i is not followed: it says to set url', async (status) => {
  const fault = { status, headers: { location: '/elsewhere' }, body: '' }
  const { result, fake } = await resultOf('v1', fault)
  expect(result).toMatchObject({
    status: 'retry',
    reason: expect.stringMatching(/set url/),
    ...setup,
  })
  expect(fake.requests).toHaveLength(1)
})

test('the fields that v3 names are in the reason', async () => {
  const body = {
    status: 400,
    title: 'Bad Request',
    detail: 'Invalid request',
    invalid_parameters: [{ field: 'subject', reason: 'is a required field' }],
  }
  const headers = { 'content-type': 'application/problem+json' }
  const { result } = await resultOf('v3', { status: 400, headers, body })
  expect(result).toMatchObject({ reason: expect.stringMatching(/Invalid request.*subject/) })
})
