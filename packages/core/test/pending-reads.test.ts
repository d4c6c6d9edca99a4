import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Provider } from '../src/adapter.ts'
import type { ObservedCall } from '../src/adapter.ts'
import { unknownUsage } from '../src/wire.ts'
import { createMeter, memoryOutbox, type UsageRecord } from '../src/index.ts'

const usage = { input: 3, cachedInput: 0, cachedWrite: 0, output: 4 }

/** A meter with a call under way, whose usage the test makes come. */
function start() {
  let call: ObservedCall | undefined
  const provider: Provider = {
    name: 'test',
    clientDescription: 'any object',
    recognises: (client): client is object => client !== null,
    observe(client, observer) {
      const described = { provider: 'test', endpoint: 'chat', method: 'POST', body: { model: 'm' } }
      call = observer.begin(described, {
        name: 'chat',
        read: () => [{ ...unknownUsage('m'), tokens: usage }],
        estimateInput: () => {},
        estimateOutput: () => {},
      })
      return client
    },
  }
  const sent: UsageRecord[] = []
  const errors: unknown[] = []
  const meter = createMeter({
    providers: [provider],
    outbox: memoryOutbox(),
    sinks: [
      async function backend(records: readonly UsageRecord[]) {
        sent.push(...records)
      },
    ],
    onError: (error) => void errors.push(error),
  })
  meter({}, 'cus_1')
  if (call === undefined) throw new Error('no call was begun')
  const coming = Promise.withResolvers<void>()
  call.trackPending(coming.promise)
  const arrive = () => {
    call?.respond({})
    coming.resolve()
  }
  return { meter, call, arrive, coming, sent, errors }
}

test('flush() waits for usage that is still coming, and delivers it', async () => {
  const { meter, arrive, sent } = start()
  setTimeout(arrive, 30)
  await meter.flush()
  expect(sent).toMatchObject([{ tokens: usage }])
  await meter.close()
})

test('close() waits for it too, so that it is no error', async () => {
  const { meter, arrive, sent, errors } = start()
  setTimeout(arrive, 30)
  await meter.close()
  expect(sent).toHaveLength(1)
  expect(errors).toEqual([])
})

test('flush() waits no longer than it may, delivers the rest, and says what is missing', async () => {
  const { meter, arrive, sent } = start()
  const provider = 'manual'
  await meter.record({ customer: 'cus_2', provider, model: 'm', tokens: { input: 1 } })
  await expect(meter.flush({ timeoutMs: 80 })).rejects.toMatchObject({
    code: 'flush',
    message: expect.stringMatching(/usage of 1 call is still coming/),
  })
  expect(sent).toMatchObject([{ customer: 'cus_2' }])
  arrive()
  await meter.flush()
  expect(sent).toHaveLength(2)
  await meter.close()
})

test('what comes after close() has waited goes to onError, with its record', async () => {
  const { meter, arrive, errors } = start()
  await meter.close({ timeoutMs: 20 })
  arrive()
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ tokens: usage }] }])
})

test('what never comes, or fails, is forgotten', async () => {
  const { meter, coming } = start()
  coming.reject(new Error('the connection is gone'))
  await meter.flush({ timeoutMs: 1000 })
  await meter.close()
})

test('usage that is still coming does not keep the process alive', async () => {
  const script = `
    const { createMeter, memoryOutbox } = await import(${JSON.stringify(import.meta.resolve('../src/index.ts'))})
    const observe = (client, observer) => {
      const call = { provider: 'test', endpoint: 'chat', method: 'POST', body: {} }
      observer.begin(call, { name: 'chat' }).trackPending(new Promise(() => {}))
      return client
    }
    const provider = { name: 't', clientDescription: 't', recognises: () => true, observe }
    createMeter({ providers: [provider], outbox: memoryOutbox() })({}, 'cus_1')
  `
  const began = performance.now()
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(performance.now() - began).toBeLessThan(8000)
})
