import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMeter, memoryOutbox, type Call, type TokenMeterError } from '../src/index.ts'
import { findPayer } from '../src/meter/payer.ts'
import { usage } from './backend.ts'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

const secret = 'my prompt about Bob'

function payerOf(customer: unknown, attributes: readonly unknown[] = [], body: object = {}) {
  const faults: { what: string; cause: unknown }[] = []
  const call = { provider: 'openai', endpoint: 'embeddings', method: 'POST', body } as Call
  const payer = findPayer(call, {
    customer: customer as string,
    attributes: attributes as never,
    onMissingCustomer: 'record',
    onFault: (what, cause) => void faults.push({ what, cause }),
  })
  return { payer, faults }
}

test.each([
  ['resolves', async () => 'cus_1'],
  [
    'rejects',
    async () => {
      throw new Error(secret)
    },
  ],
])('a customer function whose promise %s is told how to do it', (_, customer) => {
  const { payer, faults } = payerOf(customer)
  expect(payer.customer).toBeNull()
  expect(faults).toMatchObject([
    { what: expect.stringMatching(/customer function.*promise.*before wrapping/) },
  ])
})

test('an attributes function whose promise rejects is told how to do it', () => {
  const { payer, faults } = payerOf('cus_1', [
    { team: 'a' },
    async () => {
      throw new Error(secret)
    },
  ])
  expect(payer).toEqual({ customer: 'cus_1', attributes: { team: 'a' } })
  expect(faults).toMatchObject([
    { what: expect.stringMatching(/attributes function.*promise.*before wrapping/) },
  ])
})

test('what a function of the application throws is not quoted, since it may hold a prompt', () => {
  const cause = new RangeError(secret)
  const fail = () => {
    throw cause
  }
  const { faults } = payerOf(fail, [fail])
  expect(faults).toEqual([
    { what: 'the customer function threw (RangeError)', cause },
    { what: 'the attributes function threw (RangeError)', cause },
  ])
})

test('functions of the application cannot write to the request', () => {
  const body = { model: 'm', messages: [{ role: 'user' }] }
  let seen: Call | undefined
  const { faults } = payerOf(
    (call: Call) => {
      seen = call
      ;(call.body as { model: string }).model = 'cheap'
    },
    [(call: Call) => void delete (call.body as { messages?: unknown }).messages],
    body,
  )
  expect(body).toEqual({ model: 'm', messages: [{ role: 'user' }] })
  expect(seen?.body).toEqual(body)
  expect(seen?.body['messages']).toBe(body.messages)
  expect(faults.map(({ cause }) => cause)).toEqual([expect.any(TypeError), expect.any(TypeError)])
})

test('a listener whose promise rejects is reported, and an error handler kept quiet', async () => {
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    onError: async (error) => {
      errors.push(error)
      throw new Error('handler')
    },
  })
  meter.on('usage', async () => {
    throw new Error('listener')
  })
  await meter.record(usage('r0'))
  await new Promise((resolve) => setTimeout(resolve, 1))
  expect(errors).toMatchObject([{ code: 'observer', message: expect.stringMatching(/listener/) }])
  await meter.close()
})
