import { startReplayServer } from '@token-meter/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ConfigError,
  createMeter,
  type FetchOptions,
  memoryOutbox,
  type MeterOptions,
  MissingCustomerError,
  openaiProvider,
  type Provider,
  type UsageRecord,
} from '../src/index.ts'
import { chatCompletion, chatRequest, countedTokens } from './scripts.ts'

async function start(options: Partial<MeterOptions> = {}) {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    meter,
    records,
    errors,
    url: `${server.url}/v1/chat/completions`,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

const init = { method: 'POST', body: JSON.stringify(chatRequest) }
const globalFetch = globalThis.fetch

afterEach(() => {
  globalThis.fetch = globalFetch
})

describe('who pays for the calls of a fetch', () => {
  test('whom it is made for, with the attributes of the meter and its own', async () => {
    await using run = await start({ attributes: { plan: 'pro', region: 'eu' } })
    run.server.serve(chatCompletion)
    const metered = run.meter.fetch('cus_1', { attributes: { region: 'us' } })
    expect(await (await metered(run.url, init)).json()).toEqual(chatCompletion)
    expect(run.records).toMatchObject([
      {
        customer: 'cus_1',
        provider: 'openai',
        endpoint: 'chat.completions',
        tokens: countedTokens,
        attributes: { plan: 'pro', region: 'us' },
      },
    ])
  })

  test('whom a function finds in the call, or else the context', async () => {
    await using run = await start()
    run.server.serve(chatCompletion, { times: 2 })
    const metered = run.meter.fetch((call) => call.body.user as string | undefined)
    const body = JSON.stringify({ ...chatRequest, user: 'cus_user' })
    await run.meter.withCustomer('cus_context', async () => {
      await (await metered(run.url, { ...init, body })).json()
      await (await metered(run.url, init)).json()
    })
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_user', 'cus_context'])
  })

  test('nobody: recorded and told, or refused before it is sent', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    await (await run.meter.fetch(() => undefined)(run.url, init)).json()
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ message }) => message).join()).toMatch(/no customer for a call of/)

    await using refusing = await start({ onMissingCustomer: 'throw' })
    refusing.server.serve({ data: [] })
    const metered = refusing.meter.fetch(() => undefined)
    await expect(metered(refusing.url, init)).rejects.toThrow(MissingCustomerError)
    expect((await metered(`${refusing.server.url}/v1/models`)).status).toBe(200)
    expect(refusing.server.requests.map(({ path }) => path)).toEqual(['/v1/models'])
  })
})

describe('what can never work is refused where the fetch is made', () => {
  test.each<[string, unknown, unknown, unknown]>([
    ['an empty customer', '', {}, TypeError],
    ['no customer', undefined, {}, /^meter\.fetch\(\) expected the customer/],
    ['an unknown option', 'cus_1', { fetsh: fetch }, /no option "fetsh", did you mean "fetch"/],
    [
      'a fetch that is none',
      'cus_1',
      { fetch: 'x' },
      /^meter\.fetch\(\): fetch must be a function/,
    ],
    ['another wrong option', 'cus_1', { includeUsage: 1 }, ConfigError],
    ['no options', 'cus_1', null, ConfigError],
  ])('%s', async (_, customer, options, expected) => {
    await using run = await start()
    expect(() => run.meter.fetch(customer as string, options as FetchOptions)).toThrow(
      expected as RegExp,
    )
  })

  test('a meter whose providers know no requests', async () => {
    const provider: Provider = { ...openaiProvider, protocols: [] } as Provider
    await using run = await start({ providers: [provider] })
    expect(() => run.meter.fetch('cus_1')).toThrow(/would meter nothing: no provider .*\(openai\)/)
  })
})

describe('what it sends by', () => {
  test('the global fetch as it is at the call, also a metered one', async () => {
    await using run = await start()
    run.server.serve(chatCompletion, { times: 3 })
    const early = run.meter.fetch('cus_early')
    let sent = 0
    globalThis.fetch = (...args) => (sent++, globalFetch(...args))
    await (await early(run.url, init)).json()
    expect(sent).toBe(1)

    globalThis.fetch = run.meter.fetch('cus_global')
    await (await fetch(run.url, init)).json()
    await (await early(run.url, init)).json()
    expect(run.records.map(({ customer }) => customer)).toEqual([
      'cus_early',
      'cus_global',
      'cus_early',
    ])
  })

  test('another one, with what that has on it, and none of its name on the other', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const preconnect = () => {}
    const own = Object.assign((...args: Parameters<typeof fetch>) => globalFetch(...args), {
      preconnect,
    })
    const metered = run.meter.fetch('cus_1', { fetch: own })
    expect([Reflect.get(metered, 'preconnect'), metered.length]).toEqual([preconnect, 0])
    Object.assign(metered, { mark: 1 })
    expect(own).not.toHaveProperty('mark')
    await (await metered(run.url, init)).json()
    expect(run.records).toHaveLength(1)
    const { name, length } = run.meter.fetch('cus_1')
    expect([name, length]).toEqual([fetch.name, fetch.length])
  })
})
