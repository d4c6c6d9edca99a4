import { afterAll, beforeAll, expect, test } from 'vitest'
import { stripeSink } from '@token-meter/stripe'
import { bareClients } from '../bare-clients.ts'
import { benchRecords, eventsPerRecord } from '../bench-usage.ts'
import { capturedRequests } from '../captured-requests.ts'
import { type Receiver, startReceiver } from './start-receiver.ts'

let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver[Symbol.dispose]())

test.each([
  ['v1', 1],
  ['v2', 1],
  ['stream', 100],
] as const)('counts the events of %s and tells repeated ones', async (api, eventsPerRequest) => {
  const events = 100 * eventsPerRecord
  const requests = await capturedRequests(
    (baseUrl) => stripeSink({ apiKey: 'rk_live_bench', baseUrl, api }),
    benchRecords(100),
  )
  expect(requests).toHaveLength(events / eventsPerRequest)
  for (const { send } of bareClients) await send(receiver.url, requests)
  const sent = bareClients.length
  expect(await receiver.tally()).toEqual({
    requests: requests.length * sent,
    events: events * sent,
    duplicates: events * (sent - 1),
  })
})
