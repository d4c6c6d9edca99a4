import { describe, expect, test } from 'vitest'
import { gatewayBilling, GatewayBillingWatch } from './gateway-billing.ts'

const vercel = { 'stripe-customer-id': 'cus_1', 'stripe-restricted-access-key': 'rk_1' }
const vercelNames = ['stripe-customer-id', 'stripe-restricted-access-key']
const stripeNames = ['x-stripe-customer-id']

describe('gatewayBilling', () => {
  test.each([
    ['an object', [vercel], vercelNames],
    ['Headers', [new Headers(vercel)], vercelNames],
    ['pairs', [Object.entries(vercel)], vercelNames],
    ['a Map', [new Map(Object.entries(vercel))], vercelNames],
    [
      "the SDK's own merged headers",
      [{ values: new Headers(vercel), nulls: new Set() }],
      vercelNames,
    ],
    ['any case', [{ 'X-Stripe-Customer-ID': 'cus_1' }], stripeNames],
    ['a list of values', [{ 'x-stripe-customer-id': ['cus_1'] }], stripeNames],
    [
      'the key of the client, the customer of the request',
      [{ 'stripe-restricted-access-key': 'rk_1' }, { 'stripe-customer-id': 'cus_1' }],
      vercelNames,
    ],
  ])('%s', (_, sources, expected) => {
    expect(gatewayBilling(...sources)).toEqual(expected)
  })

  test('runs nothing of the caller: no getter, and no iterator', () => {
    const headers = {
      get 'x-stripe-customer-id'(): string {
        throw new Error('read')
      },
    }
    const iterator = Object.entries(vercel).values()
    expect(gatewayBilling(headers, iterator)).toBeUndefined()
    expect([...iterator]).toHaveLength(2)
  })

  test.each([
    ['nothing', []],
    ['no headers', [undefined, null]],
    ['others', [{ authorization: 'Bearer x', 'x-title': 'App' }]],
    ['half of the pair', [{ 'stripe-customer-id': 'cus_1' }]],
    ['taken out by the request', [vercel, { 'Stripe-Customer-Id': null }]],
    [
      'taken out in merged headers',
      [vercel, { values: new Headers(), nulls: new Set(vercelNames) }],
    ],
    ['not set', [{ 'x-stripe-customer-id': undefined }]],
    ['empty', [{ 'x-stripe-customer-id': '' }]],
    ['what is no headers', ['x-stripe-customer-id', 7, true]],
  ])('%s is no billing', (_, sources) => {
    expect(gatewayBilling(...sources)).toBeUndefined()
  })
})

describe('GatewayBillingWatch', () => {
  const watching = () => {
    const faults: string[] = []
    const observer = { begin: () => expect.fail(), fault: (what: string) => void faults.push(what) }
    return { faults, watch: new GatewayBillingWatch(observer) }
  }

  test('warns once per process and gateway, and never shows a key or a customer', () => {
    const client = { baseURL: 'https://once.test/v1', _options: { defaultHeaders: vercel } }
    const { faults, watch } = watching()
    watch.see(client, undefined)
    watch.see(client, { 'x-title': 'App' })
    const other = watching()
    other.watch.see(client, undefined)
    expect(other.faults).toEqual([])
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/billed twice.*once\.test.*stripe-customer-id and stripe-restricted/)
    expect(faults[0]).not.toMatch(/cus_1|rk_1/)
  })

  test('warns of another gateway, and of a request alone', () => {
    const client = { baseURL: 'https://first.test' }
    const { faults, watch } = watching()
    watch.see(client, undefined)
    watch.see(client, vercel)
    watch.see({ baseURL: 'https://second.test' }, vercel)
    expect(faults.map((fault) => /calls to (\S+)/.exec(fault)?.[1])).toEqual([
      'first.test',
      'second.test',
    ])
  })

  test("looks at the client's own headers once", () => {
    let looked = 0
    const client = {
      baseURL: 'https://lazily.test',
      get _options() {
        looked++
        return {}
      },
    }
    const { watch } = watching()
    expect(looked).toBe(0)
    for (let call = 0; call < 5; call++) watch.see(client, undefined)
    expect(looked).toBe(1)
  })

  test('a client of no known shape', () => {
    const { faults, watch } = watching()
    watch.see({}, undefined)
    expect(faults).toEqual([])
    watch.see({}, { 'x-stripe-customer-id': 'cus_1' })
    expect(faults[0]).toContain('calls to the gateway carry x-stripe-customer-id')
  })
})
