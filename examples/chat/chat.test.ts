import {
  type FakeStripe,
  type ReplayedRequest,
  type ReplayServer,
  startFakeStripe,
  startReplayServer,
} from '@token-meter/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { billedBy, recordedBy } from './test-bill.ts'
import { signIn, textOf, until } from './test-client.ts'
import { chunks } from './test-provider.ts'
import { startBetween, type TestServer } from './test-server.ts'

let provider: ReplayServer
let stripe: FakeStripe
let server: TestServer

beforeEach(async () => {
  provider = await startReplayServer()
  stripe = await startFakeStripe()
  server = await startBetween(provider, stripe)
})

afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await stripe.close()
  await provider.close()
})

test('an answer is streamed, and billed to the company that asked', async () => {
  provider.serve(chunks(['Tea', ' is', ' hot.'], 12, 4))
  const birch = await signIn(server.url, 'birch')
  expect(await birch.ask('Is tea hot?')).toBe('Tea is hot.')
  expect(await server.stop()).toBe(0)
  expect(billedBy(stripe)).toEqual({
    'cus_birch openai/gpt-5.4-mini input': 12,
    'cus_birch openai/gpt-5.4-mini output': 4,
  })
  expect(stripe.meterEvents[0]?.payload).toMatchObject({ feature: 'chat' })
})

test('companies that stream at the same time pay for their own tokens only', async () => {
  const usage = {
    alder: { input: 7, output: 11 },
    birch: { input: 1_000, output: 130 },
    cedar: { input: 20_000, output: 3_000 },
  }
  const companyIn = ({ rawBody }: ReplayedRequest) =>
    (['alder', 'birch', 'cedar'] as const).find((company) => rawBody.includes(company)) ?? 'alder'
  provider.serve(
    (request) => {
      const company = companyIn(request)
      const { input, output } = usage[company]
      return chunks(['I', ' am', ` ${company}.`], input, output)
    },
    { times: Infinity, gapMs: 2 },
  )
  const companies = Object.keys(usage)
  const clients = await Promise.all(companies.map((company) => signIn(server.url, company)))
  const answers = Array.from({ length: 24 }, async (_, index) => {
    const company = companies[index % 3] ?? ''
    expect(await clients[index % 3]?.ask(`Who is ${company}?`)).toBe(`I am ${company}.`)
  })
  await Promise.all(answers)
  expect(await server.stop()).toBe(0)
  const expected = Object.fromEntries(
    Object.entries(usage).flatMap(([company, { input, output }]) => [
      [`cus_${company} openai/gpt-5.4-mini input`, 8 * input],
      [`cus_${company} openai/gpt-5.4-mini output`, 8 * output],
    ]),
  )
  expect(recordedBy(server)).toEqual(expected)
  expect(billedBy(stripe)).toEqual(expected)
})

test('/usage shows a company its own usage, as it changes, and no other', async () => {
  provider.serve(chunks(['Yes.'], 12, 2), { times: 2 })
  const [alder, birch] = await Promise.all([
    signIn(server.url, 'alder'),
    signIn(server.url, 'birch'),
  ])
  const left = new AbortController()
  const seen = { alder: '', birch: '' }
  const follow = async (company: 'alder' | 'birch', response: Response) => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) seen[company] += decoder.decode(bytes)
  }
  void follow('alder', await alder.get('/usage', left.signal)).catch(() => {})
  void follow('birch', await birch.get('/usage', left.signal)).catch(() => {})
  await alder.ask('Is tea hot?')
  await until(() => seen.alder.includes('"answers":1,"estimated":0,"undelivered":0'))
  expect(seen.alder).toContain('"models":{"openai/gpt-5.4-mini":{"input":12,"output":2}}')
  expect(seen.alder).toContain('"microdollars":44')
  expect(seen.birch).toContain('"company":"Birch Legal","answers":0')
  await birch.ask('Is tea hot?')
  await until(() => seen.birch.includes('"answers":1'))
  expect(seen.birch).not.toContain('"answers":2')
  expect(seen.alder).not.toContain('"answers":2')
  left.abort()
})

test('who hangs up in the middle stops the provider and pays for one estimated answer', async () => {
  provider.serve(chunks(['One', ' two', ' three'], 12, 3), { hangAfterEvents: 2 })
  const alder = await signIn(server.url, 'alder')
  const left = new AbortController()
  const response = await alder.post('Count!', left.signal)
  const reader = response.body?.getReader()
  let received = ''
  const decoder = new TextDecoder()
  while (!received.includes('two')) received += decoder.decode((await reader?.read())?.value)
  left.abort()
  await provider.requests[0]?.closed
  expect(provider.requests[0]?.closedEarly).toBe(true)
  await until(() => server.ledger().length > 0)
  expect(await server.stop()).toBe(0)
  expect(server.ledger()).toMatchObject([{ customer: 'cus_alder', outcome: 'estimated' }])
  expect(billedBy(stripe)).toEqual(recordedBy(server))
})

test('who hangs up before the first word stops the provider, and holds nothing up', async () => {
  provider.serve(chunks(['One'], 12, 1), { hangAfterEvents: 0 })
  const alder = await signIn(server.url, 'alder')
  const left = new AbortController()
  const asked = alder.post('Count!', left.signal).catch(() => {})
  await until(() => provider.requests.length === 1)
  left.abort()
  await asked
  await provider.requests[0]?.closed
  expect(provider.requests[0]?.closedEarly).toBe(true)
  expect(await server.stop()).toBe(0)
})

test('who hangs up while the provider thinks stops it too', async () => {
  provider.serve(chunks(['One'], 12, 1), { delayMs: 60_000 })
  const alder = await signIn(server.url, 'alder')
  const left = new AbortController()
  const asked = alder.post('Count!', left.signal).catch(() => {})
  await until(() => provider.requests.length === 1)
  left.abort()
  await asked
  await provider.requests[0]?.closed
  expect(await server.stop()).toBe(0)
  expect(server.output()).not.toContain('no answer')
})

test('without a session there is neither chat nor usage', async () => {
  const nobody = await signIn(server.url, 'oak')
  expect((await nobody.post('Hello?')).status).toBe(401)
  expect((await nobody.get('/usage')).status).toBe(401)
  expect((await nobody.get('/')).url).toBe(`${server.url}/login`)
  const forged = { cookie: 'company=birch', 'content-type': 'application/json' }
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello?' }] })
  const answer = await fetch(`${server.url}/chat`, { method: 'POST', headers: forged, body })
  expect(answer.status).toBe(401)
  expect(provider.requests).toEqual([])
})

test('a page of another site can neither sign in nor ask', async () => {
  const headers = { origin: 'https://elsewhere.example' }
  const body = new URLSearchParams({ company: 'birch' })
  const answer = await fetch(`${server.url}/login`, { method: 'POST', headers, body })
  expect(answer.status).toBe(403)
})

test('a question that the provider refuses is not in the log, nor in what the page gets', async () => {
  const message = 'Your secret question about aardvarks is not allowed.'
  provider.serve({ error: { message, type: 'invalid_request_error' } }, { status: 400 })
  provider.serve({ error: { message, code: 'flagged' } }, { status: 200 })
  provider.serve([...chunks(['So'], 5, 1).slice(0, 1), { error: { message, code: 'flagged' } }])
  const alder = await signIn(server.url, 'alder')
  const refused = await alder.post('A question about aardvarks')
  expect(refused.status).toBe(502)
  expect(await refused.text()).not.toContain('aardvarks')
  await (await alder.post('A question about aardvarks')).text()
  const broken = await (await alder.post('A question about aardvarks')).text()
  expect(textOf(broken)).toBe('So')
  expect(broken).toContain('event: failed')
  expect(broken).not.toContain('aardvarks')
  expect(await server.stop()).toBe(0)
  expect(server.output()).toContain('[chat] no answer: BadRequestError 400')
  expect(server.output()).not.toMatch(/aardvarks|sk-secret|rk_live/)
  expect(server.ledgerBytes()).not.toMatch(/aardvarks|sk-secret|rk_live/)
})
