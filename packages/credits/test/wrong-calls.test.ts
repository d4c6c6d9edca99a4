import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, memoryOutbox } from '@token-meter/core'
import { createCredits, type Credits, CreditsConflictError } from '../src/index.ts'

const now = Date.parse('2026-11-30T00:00:00Z')
const seconds = Math.round(now / 1000)

function start(): Credits {
  const outbox = memoryOutbox()
  onTestFinished(async () => void (await outbox.close()))
  return createCredits({
    outbox,
    ephemeral: true,
    plans: [{ id: 'pro', usd: '50', period: 'month' }],
    now: () => now,
  })
}

const key = { idempotencyKey: 'k' }
const usd = { usd: '5' }

type Call = readonly [verb: keyof Credits, args: readonly unknown[], message: RegExp]

const wrongOptions: readonly Call[] = [
  ['grant', ['c'], /grant\(\) takes an object of options, got undefined/],
  ['grant', ['c', usd], /grant\(\): idempotencyKey must be .*got undefined/],
  ['grant', ['c', { ...usd, key: 'k' }], /no option "key".*idempotencyKey/],
  ['grant', ['c', { ...usd, idempotencyKey: '' }], /idempotencyKey must be .*got ""/],
  ['grant', ['c', { ...usd, idempotencyKey: 7 }], /idempotencyKey must be .*got the number 7/],
  ['grant', ['c', { ...usd, ...key, expireAt: now }], /"expireAt", did you mean "expiresAt"/],
  ['grant', ['c', { ...usd, ...key, kind: 'free' }], /kind must be "paid" or .*got "free"/],
  ['grant', ['c', { ...usd, ...key, priority: 101 }], /priority must be .*got the number 101/],
  ['grant', ['c', { ...usd, ...key, source: '' }], /source must be/],
  ['grant', ['c', { ...usd, ...key, actor: {} }], /actor must be .*got an object/],
  [
    'grant',
    ['c', { ...usd, ...key, expiresAt: '2027-01-01' }],
    /expiresAt must be ms .*"2027-01-01"/,
  ],
  ['grant', ['c', { ...usd, ...key, expiresAt: Number.NaN }], /expiresAt must be ms .*NaN/],
  ['grant', ['c', { ...usd, ...key, expiresAt: new Date('x') }], /expiresAt .*a Date that is none/],
  ['grant', ['c', { ...usd, ...key, expiresAt: Infinity }], /expiresAt must be ms .*Infinity/],
  ['grant', ['c', { ...usd, ...key, expiresAt: null }], /expiresAt is null/],
  ['grant', ['c', { ...usd, ...key, expiresAt: seconds + 3600 }], /not after now.*seconds/],
  ['grant', ['c', { ...usd, ...key, expiresAt: now }], /not after/],
  [
    'grant',
    ['c', { ...usd, ...key, effectiveAt: now + 2, expiresAt: now + 1 }],
    /not after effectiveAt/,
  ],
  ['grant', ['c', { ...usd, ...key, effectiveAt: '2030-01-01' }], /effectiveAt must be ms/],
  ['grant', ['c', { ...usd, ...key, effectiveAt: seconds + 3600 }], /effectiveAt is 1970.*seconds/],
  ['balance', ['c', { unit: 'token' }], /balance\(\): unit must be "usd" or "tokens", got "token"/],
  ['balance', ['c', { units: 'usd' }], /no option "units", did you mean "unit"/],
  ['balance', ['c', null], /takes an object of options, got null/],
  ['check', ['c', { ...usd, pool: 'team' }], /check\(\): there is no option "pool"/],
  ['hold', ['c', { ...usd, ttl: 5 }], /no option "ttl", did you mean "ttlMs"/],
  ['hold', ['c', { ...usd, ttlMs: 0 }], /ttlMs must be a number of ms above 0/],
  ['hold', ['c', { ...usd, ttlMs: Infinity }], /ttlMs must be .*Infinity/],
  ['hold', ['c', { ...usd, id: '' }], /id must be/],
  ['hold', ['c', { ...usd, pools: 'team' }], /pools must be a list .*got "team"/],
  ['adjust', ['c', usd], /adjust\(\): idempotencyKey must be/],
  ['adjust', ['c', { ...usd, key: 'k' }], /no option "key"/],
  ['adjust', ['c', { ...usd, ...key, reason: 3 }], /reason must be/],
  ['adjust', ['nobody', { usd: '-5', ...key }], /nobody has no account in usd .*nothing was taken/],
  ['revoke', ['c', { source: 's' }], /revoke\(\): idempotencyKey must be/],
  ['revoke', ['c', { ...key }], /revoke\(\): source must be .*got undefined/],
  ['revoke', ['c', { source: 's', ...key, usd: '5' }], /no option "usd"/],
  ['revoke', ['c', { source: 's', ...key, unit: 'eur' }], /unit must be .*"eur"/],
  ['unrevoke', ['c', { source: 's' }], /unrevoke\(\): idempotencyKey must be/],
  ['unrevoke', ['c', { source: 's', ...key, amount: '1' }], /no option "amount"/],
  ['history', ['c', { limit: 0 }], /limit must be a whole number above 0, got the number 0/],
  ['history', ['c', { limit: -1 }], /limit must be/],
  ['history', ['c', { after: '7' }], /after must be .*got "7"/],
  ['history', ['c', { unit: 'x' }], /unit must be/],
  [
    'account',
    ['c', { collect: 'postpaid' }],
    /collect must be "prepaid" or "mirror", got "postpaid"/,
  ],
  ['account', ['c', { kind: 'prepaid' }], /no option "kind"/],
  ['block', ['c'], /block\(\): the reason must be .*got undefined/],
  ['block', ['c', ''], /the reason must be/],
  ['block', ['c', 'x', { unit: 'x' }], /unit must be/],
  ['reconcile', [{ since: 1 }], /no option "since"/],
  ['reconcile', [{ fromMs: '2026' }], /fromMs must be ms .*"2026"/],
  ['reconcile', [{ untilMs: seconds }], /untilMs is 1970.*seconds/],
  ['reconcile', [{ accept: 'yes' }], /accept must be true or false, got "yes"/],
  ['flush', [{ timeoutMs: '1' }], /timeoutMs must be/],
  ['flush', [{ timeout: 1 }], /no option "timeout"/],
  ['unmirrored', [0], /limit must be/],
  ['mirrored', [{ id: 7, customer: 'c', unit: 'usd' }, 'x'], /id of the grant must be/],
  ['mirrored', [{ id: '7', customer: 'c', unit: 'usd' }], /name at the backend must be/],
  ['subscribe', ['c', 'pro'], /subscribe\(\) takes an object of options/],
  ['subscribe', ['c', {}], /plan must be .*got undefined/],
  ['subscribe', ['c', { plan: 'gold' }], /no plan "gold"/],
  ['subscribe', ['c', { plan: 'pro', anchor: '2026-12-01' }], /anchor must be ms .*"2026-12-01"/],
  ['subscribe', ['c', { plan: 'pro', anchor: seconds }], /anchor is 1970.*seconds/],
  ['subscribe', ['c', { plan: 'pro', anchors: 1 }], /did you mean "anchor"/],
  ['unsubscribe', ['c', { at: 'tomorrow' }], /at must be "period end" or "now", got "tomorrow"/],
  ['unsubscribe', ['c', { plan: 'pro' }], /no option "plan"/],
  ['pool', [{ id: 'a', usd: '1', period: 'year' }], /period must be .*got "year"/],
  [
    'pool',
    [{ id: 'a', usd: '1', period: 'day', timeZone: 'Mars' }],
    /timeZone must be .*got "Mars"/,
  ],
  ['on', ['lows', () => undefined], /the event must be one of low, .*got "lows"/],
  ['on', ['toString', () => undefined], /the event must be/],
  ['on', ['low'], /the listener must be a function, got undefined/],
]

const wrongAmounts: readonly Call[] = [
  ['grant', ['c', { ...key }], /name one amount.*got none/],
  ['grant', ['c', { usd: '1', tokens: '1', ...key }], /name one amount.*got both/],
  ['grant', ['c', { usd: null, ...key }], /decimal text.*got null/],
  ['grant', ['c', { usd: 25, ...key }], /decimal text.*got the number 25/],
  ['grant', ['c', { usd: '25,00', ...key }], /decimal text.*got "25,00"/],
  ['grant', ['c', { usd: ['5'], ...key }], /decimal text.*got an array/],
  ['grant', ['c', { usd: '0', ...key }], /above 0/],
  ['check', ['c', {}], /name one amount/],
  ['check', ['c', { usd: '-1' }], /from 0 up/],
  ['hold', ['c', { usd: '-1' }], /from 0 up/],
  ['adjust', ['c', { usd: '', ...key }], /decimal text.*got ""/],
  ['revoke', ['c', { source: 's', amount: 5, ...key }], /decimal text.*the number 5/],
  ['revoke', ['c', { source: 's', amount: '-5', ...key }], /from 0 up/],
]

const withCustomer: Readonly<Partial<Record<keyof Credits, readonly unknown[]>>> = {
  grant: [{ ...usd, ...key }],
  balance: [],
  check: [usd],
  hold: [usd],
  adjust: [{ ...usd, ...key }],
  revoke: [{ source: 's', ...key }],
  unrevoke: [{ source: 's', ...key }],
  history: [],
  account: [],
  block: ['abuse'],
  erase: [],
  subscribe: [{ plan: 'pro' }],
  unsubscribe: [],
  plansOf: [],
}

const wrongCustomers: readonly Call[] = Object.entries(withCustomer).flatMap(([verb, rest]) =>
  (
    [
      [{ id: 'c' }, /got an object\. Pass the id/],
      [undefined, /got undefined/],
      ['  ', /got " {2}"/],
    ] as const
  ).map(([customer, message]) => [verb as keyof Credits, [customer, ...rest], message] as const),
)

const run = async (credits: Credits, verb: keyof Credits, args: readonly unknown[]) =>
  await (credits[verb] as (...given: readonly unknown[]) => unknown)(...args)

describe('a wrong call is an error, and changes nothing', () => {
  test.each(wrongOptions)('%s(%j)', (...call) => refuses(call, ConfigError))
  test.each(wrongAmounts)('%s(%j)', (...call) => refuses(call, Error))
  test.each(wrongCustomers)('%s(%j)', (...call) => refuses(call, TypeError))

  async function refuses(
    [verb, args, message]: Call,
    type: new (message: string) => Error,
  ): Promise<void> {
    const credits = start()
    await credits.grant('c', { usd: '1', idempotencyKey: 'first', source: 's' })
    const error: unknown = await run(credits, verb, args).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toMatch(message)
    expect((await credits.history('c')).entries).toHaveLength(1)
    expect(await credits.erase('nobody')).toMatchObject({ accounts: 0 })
    expect(await credits.verify()).toEqual([])
  }
})

test('every verb that names a customer stands in the table', () => {
  const others = ['reconcile', 'flush', 'close', 'unmirrored', 'mirrored', 'sweep', 'verify']
  const ofProcess = ['guard', 'pool', 'poolBalance', 'on']
  const verbs = Object.keys(start()).filter((verb) => ![...others, ...ofProcess].includes(verb))
  expect(verbs.toSorted()).toEqual(Object.keys(withCustomer).toSorted())
})

test('a grant that was given in its time is found again when that is over', async () => {
  let at = now
  const credits = createCredits({ outbox: memoryOutbox(), ephemeral: true, now: () => at })
  const wanted = { usd: '5', idempotencyKey: 'k', expiresAt: new Date(now + 1000) }
  const { id } = await credits.grant('c', wanted)
  at += 2000
  expect(await credits.grant('c', wanted)).toMatchObject({ id, amount: '5' })
  expect(await credits.balance('c')).toMatchObject({ available: '0' })
})

test('a block holds before the first grant, and what is asked of nobody makes no account', async () => {
  const credits = start()
  await credits.block('cus_1', 'abuse')
  await credits.grant('cus_1', { usd: '5', ...key })
  await expect(credits.hold('cus_1', usd)).rejects.toMatchObject({ blocked: 'abuse' })

  await credits.block('cus_2', null)
  expect(await credits.revoke('cus_2', { source: 's', ...key })).toBe('0')
  expect(await credits.unrevoke('cus_2', { source: 's', ...key })).toBe(false)
  expect(await credits.erase('cus_2')).toMatchObject({ accounts: 0 })
})

test('an account that was made can be adjusted below 0 before its first grant', async () => {
  const credits = start()
  await credits.account('cus_1')
  expect(await credits.adjust('cus_1', { usd: '-5', ...key })).toBe(true)
  expect(await credits.balance('cus_1')).toMatchObject({ available: '-5', debt: '5' })
})

test.each([
  [{}, /outbox must be the meter's own, .*got undefined/],
  [{ outbox: 'usage.db' }, /outbox must be the meter's own, .*got a value of type string/],
  [{ outbox: memoryOutbox(), ephemeral: true, lowAt: ['20'] }, /lowAt must be a list of percents/],
  [{ outbox: memoryOutbox(), ephemeral: true, plans: ['pro'] }, /a plan takes an object/],
  [
    {
      outbox: memoryOutbox(),
      ephemeral: true,
      plans: [{ id: 'a', usd: '1', period: 'day', time: 1 }],
    },
    /no option "time", did you mean "times"/,
  ],
])('createCredits(%j) is refused', (options, message) => {
  expect(() => createCredits(options as never)).toThrow(ConfigError)
  expect(() => createCredits(options as never)).toThrow(message)
})

test('a conflict has its message as JSON', () => {
  const error = new CreditsConflictError('taken')
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({
    message: 'taken',
    code: 'credits_conflict',
    status: 409,
  })
})
