import { startFakeStripe } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { startLocalProvider } from './local-provider.ts'
import { billedBy, recordedBy } from './test-bill.ts'
import { signIn, until } from './test-client.ts'
import { startSpokenProvider } from './test-provider.ts'
import { startBetween, startChat } from './test-server.ts'

/** Waits until the server takes no more connections. */
async function untilRefused(url: string): Promise<void> {
  const refused = () =>
    fetch(`${url}/login`, { headers: { connection: 'close' } }).then(
      () => false,
      () => true,
    )
  await until(refused)
}

test.concurrent('SIGTERM lets answers end, takes no new ones, and delivers everything', async () => {
  await using provider = await startSpokenProvider()
  await using stripe = await startFakeStripe()
  await using server = await startBetween(provider, stripe)
  const alder = await signIn(server.url, 'alder')
  const birch = await signIn(server.url, 'birch')
  const usage = await alder.get('/usage')
  const answers = [alder.ask('Is tea hot?'), birch.ask('Is tea hot?')]
  await until(() => provider.answers.length === 2)
  for (const answer of provider.answers) answer.say('Tea')

  const exitCode = server.stop()
  await untilRefused(server.url)
  for (const answer of provider.answers) {
    answer.say(' is hot.')
    answer.finish(12, 3)
  }
  expect(await Promise.all(answers)).toEqual(['Tea is hot.', 'Tea is hot.'])
  expect(await usage.text()).toContain('"company":"Alder Travel"')
  expect(await exitCode).toBe(0)

  expect(server.ledger().map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
  expect(billedBy(stripe)).toEqual({
    'cus_alder openai/gpt-5.4-mini input': 12,
    'cus_alder openai/gpt-5.4-mini output': 3,
    'cus_birch openai/gpt-5.4-mini input': 12,
    'cus_birch openai/gpt-5.4-mini output': 3,
  })
  expect(server.output()).toContain('Alder Travel (cus_alder): 15 tokens, all at Stripe')
})

test.concurrent('an answer that does not end after SIGTERM is cut, and billed', async () => {
  await using provider = await startSpokenProvider()
  await using stripe = await startFakeStripe()
  await using server = await startBetween(provider, stripe)
  const alder = await signIn(server.url, 'alder')
  const answer = alder.ask('Is tea hot?').catch(() => 'cut')
  await until(() => provider.answers.length === 1)
  provider.answers[0]?.say('Tea is')
  expect(await server.stop()).toBe(0)
  expect(await answer).toBe('cut')
  expect(server.ledger()).toMatchObject([{ customer: 'cus_alder', outcome: 'estimated' }])
  expect(billedBy(stripe)).toEqual(recordedBy(server))
})

test.concurrent('what Stripe could not take before the server was killed is delivered by the next', async () => {
  await using provider = await startLocalProvider()
  await using stripe = await startFakeStripe()
  await using server = await startBetween(provider, stripe)
  stripe.failWith({ status: 503 }, { times: Infinity })
  const alder = await signIn(server.url, 'alder')
  await alder.ask('Hello?')
  await server.stop('SIGKILL')
  expect(stripe.meterEvents).toEqual([])

  stripe.recover()
  await using next = await startBetween(provider, stripe, server.folder)
  expect(await next.stop()).toBe(0)
  expect(next.ledger()).toMatchObject([{ customer: 'cus_alder', outcome: 'complete' }])
  expect(billedBy(stripe)).toEqual(recordedBy(next))
})

test.concurrent('without any key it says what is a stand-in, and works', async () => {
  await using server = await startChat()
  expect(server.output()).toMatch(/model +on this machine: a stand-in/)
  expect(server.output()).toMatch(/Stripe +on this machine: a fake/)
  expect(server.output()).toMatch(/credit +Cedar Market buys it/)
  const birch = await signIn(server.url, 'birch')
  expect(await birch.ask('Hello?')).toMatch(/^Hello! /)
  expect(await server.stop()).toBe(0)
  const [record] = server.ledger()
  const total = (record?.tokens.input ?? 0) + (record?.tokens.output ?? 0)
  expect(server.output()).toContain(`Birch Legal (cus_birch): ${total} tokens, all at Stripe`)
  expect(server.output()).not.toContain('Hello!')
})

test.concurrent.each([
  ['nobody to bill', { STRIPE_API_KEY: 'rk_test_secret' }, /TOKEN_METER_CHAT_CUSTOMERS=/],
  ['made-up tokens', { STRIPE_API_KEY: 'rk_live_secret' }, /no OPENAI_API_KEY/],
])('a Stripe key with %s is an error', async (_, environment, message) => {
  const starting = startChat(environment)
  await expect(starting).rejects.toThrow(message)
  await expect(starting).rejects.not.toThrow('secret')
})
