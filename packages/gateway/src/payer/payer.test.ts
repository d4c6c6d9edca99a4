import { describe, expect, test } from 'vitest'
import type { Caller } from '../caller.ts'
import { openCaller } from '../keys/open-caller.ts'
import { objectOwner } from './object-owner.ts'
import { type ChargeBy, mayCharge, type PayerSettings, payerOf } from './payer.ts'

const nobody: Caller = {
  keyId: 'k1',
  userId: null,
  teamId: null,
  customer: null,
  mayName: new Set(),
  models: undefined,
  allowUnknown: false,
  stripeHeaders: false,
  pools: [],
  metadata: { feature: 'chat' },
}
const naming: Caller = { ...nobody, mayName: new Set(['cus_a', 'cus_b']) }
const anyone: Caller = { ...nobody, mayName: 'any' }
const bound: Caller = { ...nobody, customer: 'cus_own', teamId: 't', userId: 'u' }
const ofTeam: Caller = { ...nobody, teamId: 't', userId: 'u' }

const by = (chargeBy: ChargeBy, more: Partial<PayerSettings> = {}): PayerSettings => ({
  chargeBy,
  customerHeader: true,
  ...more,
})

interface Asked {
  readonly headers?: readonly string[]
  readonly body?: Readonly<Record<string, unknown>>
}

const payer = (caller: Caller, { headers = [], body }: Asked, settings = by('key')) =>
  payerOf({ caller, headers, body }, settings)
const customer = (...parameters: Parameters<typeof payer>) => payer(...parameters).customer
const header = (value: string, name = 'Stripe-Customer-Id') => ({ headers: [name, value] })
const refused = (status: number) => expect.objectContaining({ status })

describe('who pays', () => {
  test('by key: its customer, else its team, else its user, whatever the body says', () => {
    const body = { user: 'cus_other', metadata: { user_id: 'cus_other' } }
    expect(customer(bound, { body })).toBe('cus_own')
    expect(customer(ofTeam, { body })).toBe('t')
    expect(customer({ ...ofTeam, teamId: null }, { body })).toBe('u')
    expect(customer(nobody, { body })).toBeNull()
  })

  test('a header names who the key may name, before the body does', () => {
    for (const name of ['stripe-customer-id', 'X-Stripe-Customer-Id']) {
      expect(customer(naming, header('cus_b', name))).toBe('cus_b')
      expect(customer(anyone, { ...header('cus_x', name), body: { user: 'cus_a' } })).toBe('cus_x')
    }
    expect(customer(bound, header('cus_own'))).toBe('cus_own')
    expect(customer(openCaller().authenticate(undefined) as Caller, header('cus_x'))).toBe('cus_x')
  })

  test('the body names who the key may name; a key that names nobody is charged for its team or user', () => {
    expect(customer(naming, { body: { user: 'cus_b' } })).toBe('cus_b')
    expect(customer({ ...naming, teamId: 't' }, { body: { user: 'cus_b' } })).toBe('cus_b')
    expect(customer({ ...naming, teamId: 't' }, {})).toBe('t')
    expect(customer(naming, { body: { user: null } })).toBeNull()
    expect(customer(anyone, { body: { user: 'customer_123' } }, by('end_user_id'))).toBe(
      'customer_123',
    )
    expect(customer(anyone, {}, by('end_user_id'))).toBeNull()
    expect(customer({ ...anyone, userId: 'u' }, {}, by('end_user_id'))).toBeNull()
    expect(customer(bound, { body: { user: 'x' } }, by('end_user_id'))).toBe('cus_own')
  })

  test('by user or team: those of the key, and nobody is named', () => {
    expect(customer({ ...anyone, userId: 'u' }, { body: { user: 'x' } }, by('user_id'))).toBe('u')
    expect(customer(bound, { body: { user: 'x' } }, by('team_id'))).toBe('t')
    expect(customer(anyone, { body: { user: 'x' } }, by('team_id'))).toBeNull()
    expect(() => customer(anyone, header('x'), by('user_id'))).toThrow(refused(403))
    expect(customer({ ...anyone, userId: 'x' }, header('x'), by('user_id'))).toBe('x')
  })

  test.each<[string, Caller, Asked, PayerSettings?]>([
    ['a header, by a key that is bound', bound, header('cus_other')],
    ['a header, by a key that is a team’s', ofTeam, header('cus_other')],
    ['a header, by a key that may name nobody', nobody, header('cus_a')],
    ['a header, by a key that may name others', naming, header('cus_c')],
    [
      'a header, where headers name nobody',
      naming,
      header('cus_a'),
      by('key', { customerHeader: false }),
    ],
    ['the body, by a key that may name others', naming, { body: { user: 'cus_c' } }],
    [
      'the body, where bodies name who pays',
      nobody,
      { body: { user: 'cus_c' } },
      by('end_user_id'),
    ],
  ])('403: somebody else is named by %s', (_, caller, asked, settings) => {
    const wrong = expect.objectContaining({ message: expect.not.stringContaining('cus_') })
    expect(() => customer(caller, asked, settings)).toThrow(refused(403))
    expect(() => customer(caller, asked, settings)).toThrow(wrong)
  })

  test.each([
    ['twice', ['stripe-customer-id', 'cus_a', 'Stripe-Customer-ID', 'cus_a']],
    ['by two names', ['stripe-customer-id', 'cus_a', 'x-stripe-customer-id', 'cus_b']],
    ['empty', ['stripe-customer-id', '']],
    ['too long', ['x-stripe-customer-id', 'c'.repeat(256)]],
    ['a list', ['stripe-customer-id', 'cus_a,cus_b']],
    ['with a space', ['stripe-customer-id', 'cus_a cus_b']],
    ['with a control character', ['stripe-customer-id', 'cus_a\u0001']],
    ['with a character that is not plain', ['stripe-customer-id', 'cus_\u00e4']],
  ])('400: a header %s, also of a key that is bound', (_, headers) => {
    expect(() => customer(anyone, { headers })).toThrow(refused(400))
    expect(() => customer(bound, { headers })).toThrow(refused(400))
  })

  test.each([
    ['empty', ''],
    ['blank', ' '],
    ['with a space before it', ' cus_a'],
    ['with a line break', 'cus_a\n'],
    ['with what is not seen', 'cus\u200b_a'],
    ['half a pair', 'cus_\ud800'],
    ['too long', 'c'.repeat(256)],
    ['a number', 5],
    ['a list', ['cus_a']],
  ])('400: a user of the body that is %s, where it would name who pays', (_, user) => {
    expect(() => customer(anyone, { body: { user } })).toThrow(refused(400))
    expect(customer(bound, { body: { user } })).toBe('cus_own')
  })

  test('metadata.user_id names somebody by a pattern alone, and as a whole', () => {
    const session = { metadata: { user_id: 'user_1f_account__session_2' } }
    expect(customer(anyone, { body: session })).toBeNull()
    const settings = by('key', { metadataUserId: /cus_\w+/g })
    const named = (user_id: unknown) =>
      customer(anyone, { body: { metadata: { user_id } } }, settings)
    expect(named('cus_a')).toBe('cus_a')
    expect(named('cus_a')).toBe('cus_a')
    expect(named('cus_a x')).toBeNull()
    expect(named('x cus_a')).toBeNull()
    expect(named(5)).toBeNull()
    const grouped = by('key', { metadataUserId: /user_\w+?_account_(\w*)_session_\w+/ })
    const body = { metadata: { user_id: 'user_1_account_cus_9_session_2' } }
    expect(customer(anyone, { body }, grouped)).toBe('cus_9')
    expect(() => customer(naming, { body }, grouped)).toThrow(refused(403))
    expect(customer(anyone, { body: { ...body, user: 'cus_a' } }, grouped)).toBe('cus_a')
    expect(() => customer(anyone, { body: session }, grouped)).toThrow(refused(400))
  })

  test('what is inherited names nobody', () => {
    const body = Object.create({ user: 'cus_x' }) as Readonly<Record<string, unknown>>
    expect(customer(anyone, { body })).toBeNull()
  })
})

describe('Stripe’s own headers', () => {
  const both = ['stripe-customer-id', 'cus_x', 'Stripe-Restricted-Access-Key', 'rk_test_1']
  const trusted = { ...bound, stripeHeaders: true }

  test('both are handed on, and the key’s own customer stays who the guard knows', () => {
    expect(payer(trusted, { headers: both })).toEqual({
      customer: 'cus_own',
      attributes: {},
      stripe: { customer: 'cus_x', key: 'rk_test_1' },
    })
    expect(
      payer({ ...anyone, stripeHeaders: true }, { headers: both, body: { user: 'cus_a' } }),
    ).toMatchObject({
      customer: 'cus_a',
      stripe: { customer: 'cus_x' },
    })
  })

  test('one without the other does not bill', () => {
    for (const headers of [both.slice(0, 2), both.slice(2)]) {
      expect(payer(trusted, { headers })).toEqual({
        customer: 'cus_own',
        attributes: {},
        unbilled: 'stripe_headers_incomplete',
      })
    }
    expect(payer(trusted, {})).toEqual({ customer: 'cus_own', attributes: {} })
  })

  test('they are refused of a key that may not send them, or sent twice', () => {
    for (const caller of [bound, anyone]) {
      const wrong = expect.objectContaining({
        status: 403,
        message: expect.not.stringContaining('rk_test'),
      })
      expect(() => payer(caller, { headers: both })).toThrow(wrong)
    }
    expect(() => payer(trusted, { headers: [...both, ...both.slice(2)] })).toThrow(refused(400))
    expect(() => payer(trusted, { headers: [...both, ...both.slice(0, 2)] })).toThrow(refused(400))
  })
})

test('of a key become attributes what the gateway says', () => {
  const attributes = ['feature', 'key_id', 'user_id', 'team_id', 'toString']
  expect(payer(ofTeam, {}, by('key', { attributes })).attributes).toEqual({
    feature: 'chat',
    key_id: 'k1',
    user_id: 'u',
    team_id: 't',
  })
})

test('what was made is the customer’s, else the key’s; a key that names nobody may use what it could name', () => {
  const owner = (caller: Caller, named: string | null, chargeBy: ChargeBy = 'key') =>
    objectOwner(caller, { customer: named, attributes: {} }, chargeBy)
  expect(owner(bound, 'cus_own').id).toBe('customer:cus_own')
  expect(owner(nobody, null).id).toBe('key:k1')
  expect(owner(naming, 'cus_a').mayUse('customer:cus_b')).toBe(false)
  expect(owner(naming, null).mayUse('customer:cus_b')).toBe(true)
  expect(owner(naming, null).mayUse('customer:cus_c')).toBe(false)
  expect(owner(naming, null).mayUse('key:k2')).toBe(false)
  expect(owner(anyone, null).mayUse('customer:x')).toBe(true)
  expect(owner({ ...nobody, customer: 'key:k2' }, 'key:k2').mayUse('key:k2')).toBe(false)
  expect(mayCharge(bound, 'cus_a', 'key')).toBe(false)
  expect(mayCharge({ ...naming, teamId: 't' }, 't', 'key')).toBe(true)
  expect(mayCharge({ ...anyone, userId: 'u' }, 'x', 'user_id')).toBe(false)
})
