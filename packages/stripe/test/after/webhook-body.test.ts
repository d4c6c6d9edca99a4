import { expect, test } from 'vitest'
import { signed, startBilling } from './billing.ts'

test('a body without an end is not kept', async () => {
  const billing = await startBilling()
  let chunks = 0
  const body = new ReadableStream({
    pull: (controller) => {
      chunks += 1
      controller.enqueue(new Uint8Array(64 * 1024))
      if (chunks === 1000) controller.close()
    },
  })
  const headers = { 'stripe-signature': 't=1,v1=00' }
  const request = new Request('https://x', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as object)
  const answer = await billing.webhook()(request)
  expect(answer.status).toBe(400)
  expect(chunks).toBeLessThan(30)
})

test('a body of some chunks and of many languages is read as it was signed', async () => {
  const billing = await startBilling()
  const type = 'v2.core.event_destination.ping'
  const text = JSON.stringify({ id: 'evt_1', object: 'v2.core.event', type, note: 'été 東京 🎉' })
  const bytes = new TextEncoder().encode(text)
  const body = new ReadableStream({
    start: (controller) => {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
      controller.close()
    },
  })
  const { headers } = signed(text)
  const request = new Request('https://x', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as object)
  expect((await billing.webhook()(request)).status).toBe(200)
})
