import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  startFakeStripe,
  startReplayServer,
  type FakeStripe,
  type ReplayServer,
} from '../../src/index.ts'
import { bundle } from './bundle.ts'
import { findWorkerd, type RunningWorker, startWorker } from './workerd.ts'

const found = findWorkerd()
if ('missing' in found) console.log(`skipped: ${found.missing}`)

const packageFolder = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url))

test.each([
  ['openai', 'openai', 'openaiProvider'],
  ['anthropic', '@anthropic-ai/sdk', 'anthropicProvider'],
  ['google', '@google/genai', 'googleProvider'],
])('core, %s and its SDK bundle, and need no module of Node', async (name, sdk, provider) => {
  const { code, fromNode } = await bundle({
    folder: packageFolder(name),
    contents: `export * as sdk from '${sdk}'
      export { ${provider} } from './src/index.ts'
      export { createMeter, memoryOutbox } from '@token-meter/core'`,
  })
  // Anthropic's SDK has parts for Node in it, which it imports when they are used.
  expect(fromNode.filter((line) => !line.includes('@anthropic-ai/sdk/'))).toEqual([])
  expect(code).toContain(provider)
})

test('meter.fetch needs no SDK: core and wire formats bundle, and need no module of Node', async () => {
  const { code, fromNode } = await bundle({
    folder: packageFolder('testkit'),
    contents: `import { createMeter } from '@token-meter/core'
      import { openaiWire } from '@token-meter/openai/wire'
      import { anthropicWire } from '@token-meter/anthropic/wire'
      const known = { name: 'known', protocols: [openaiWire, anthropicWire] }
      export const make = (options) => createMeter({ ...options, providers: [known] })`,
  })
  expect(fromNode).toEqual([])
  expect(code).not.toMatch(/api\.openai\.com\/v1|x-stainless/)
})

test('core, a provider and the Stripe sink bundle without a module of Node', async () => {
  const { fromNode } = await bundle({ file: 'worker.ts' })
  expect(fromNode).toEqual([])
})

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const completion = {
  id: 'chatcmpl-edge',
  object: 'chat.completion',
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage,
}
const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-edge-stream',
  object: 'chat.completion.chunk',
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, delta, finish_reason }],
})
const stream = [
  chunk({ role: 'assistant', content: 'Yes' }),
  chunk({ content: '.' }),
  chunk({}, 'stop'),
  { ...chunk({}), choices: [], usage },
]

describe.skipIf('missing' in found).each([
  ['without Node', { compatibilityDate: '2025-01-01' }],
  ['with Node, as is usual now', { compatibilityDate: '2026-11-01' }],
])('in workerd %s', (_, compatibility) => {
  let provider: ReplayServer
  let stripe: FakeStripe
  let worker: RunningWorker
  beforeAll(async () => {
    provider = await startReplayServer()
    stripe = await startFakeStripe()
    const { code } = await bundle({ file: 'worker.ts' })
    worker = await startWorker('path' in found ? found.path : '', {
      ...compatibility,
      code,
      env: {
        PROVIDER_URL: `${provider.url}/v1`,
        STRIPE_URL: stripe.url,
        STRIPE_KEY: stripe.apiKey,
      },
    })
  })
  afterAll(async () => {
    await worker?.[Symbol.asyncDispose]()
    await Promise.all([provider?.close(), stripe?.close()])
  })
  let before: Record<string, number>
  beforeEach(() => {
    before = billed()
  })

  /** Tokens at Stripe, by customer and token type. */
  function billed(): Record<string, number> {
    return Object.fromEntries(
      stripe.billed().map(({ customer, tokenType, value }) => [`${customer} ${tokenType}`, value]),
    )
  }
  function billedNow(): Record<string, number> {
    const more = Object.entries(billed()).map(([key, value]) => [key, value - (before[key] ?? 0)])
    return Object.fromEntries(more.filter(([, value]) => value !== 0))
  }
  async function ask(path: string): Promise<string> {
    const response = await fetch(worker.url + path)
    const body = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${body} ${worker.log()}`)
    return body
  }
  const once = { 'cus_edge input': 12, 'cus_edge output': 3 }
  const untilBilled = (bill: Record<string, number>) =>
    vi.waitFor(() => expect(billedNow()).toEqual(bill), { timeout: 10_000 })

  test('a plain call is billed after the response', async () => {
    provider.serve(completion)
    expect(JSON.parse(await ask('/plain'))).toMatchObject(completion)
    await untilBilled(once)
  })

  test('a streamed call is billed after the response', async () => {
    provider.serve(stream)
    expect(await ask('/stream')).toContain('"content":"Yes"')
    await untilBilled(once)
  })

  test('a stream of meter.fetch, handed on as its response, is billed as well', async () => {
    provider.serve(stream)
    const answer = await ask('/fetch')
    expect(answer).toContain('"content":"Yes"')
    expect(answer).not.toContain('prompt_tokens')
    await untilBilled(once)
  })

  test('many requests at a time are billed once each', async () => {
    provider.serve(completion, { times: 20 })
    await Promise.all(Array.from({ length: 20 }, () => ask('/plain')))
    await untilBilled({ 'cus_edge input': 240, 'cus_edge output': 60 })
    await vi.waitFor(async () =>
      expect(JSON.parse(await ask('/stats')).sinks.stripe.pending).toBe(0),
    )
    expect(billedNow()).toEqual({ 'cus_edge input': 240, 'cus_edge output': 60 })
  })

  test('a sink that would wait for an hour does not', async () => {
    provider.serve(completion)
    await ask('/aggregated')
    await untilBilled(once)
  })

  test('without waitUntil, usage is left for the next request', async () => {
    provider.serve(completion, { times: 2 })
    await ask('/unwaited')
    expect(JSON.parse(await ask('/stats')).sinks.stripe.pending).toBe(1)
    await ask('/plain')
    await untilBilled({ 'cus_edge input': 24, 'cus_edge output': 6 })
  })

  test('what Stripe could not take is delivered on, within waitUntil', async () => {
    stripe.failWith({ status: 503 }, { times: 4 })
    provider.serve(completion)
    await ask('/plain')
    await untilBilled(once)
  })
})

test.skipIf('missing' in found)('the Worker of docs/serverless.md bills its call', async () => {
  await using provider = await startReplayServer()
  await using stripe = await startFakeStripe()
  provider.serve(stream)
  const { code } = await bundle({ contents: documentedWorker(), folder: packageFolder('testkit') })
  await using worker = await startWorker('path' in found ? found.path : '', {
    code,
    compatibilityDate: '2025-01-01',
    env: {
      PROVIDER_URL: `${provider.url}/v1`,
      STRIPE_URL: stripe.url,
      STRIPE_RESTRICTED_KEY: stripe.apiKey,
      OPENAI_API_KEY: 'none',
    },
  })
  const body = JSON.stringify({ customer: 'cus_9', messages: [{ role: 'user', content: 'Hot?' }] })
  const response = await fetch(worker.url, { method: 'POST', body })
  expect(await response.text()).toContain('Yes')
  await vi.waitFor(() =>
    expect(stripe.billed().map(({ customer, value }) => [customer, value])).toEqual([
      ['cus_9', 12],
      ['cus_9', 3],
    ]),
  )
})

/** As it is written, but for where Stripe and the provider are. */
function documentedWorker(): string {
  const page = readFileSync(new URL('../../../../docs/serverless.md', import.meta.url), 'utf8')
  const code = page.match(/```ts\n([^`]*export default[^`]*)```/)?.[1] ?? ''
  const local = code
    .replace('STRIPE_RESTRICTED_KEY }', 'STRIPE_RESTRICTED_KEY, baseUrl: env.STRIPE_URL }')
    .replace('OPENAI_API_KEY }', 'OPENAI_API_KEY, baseURL: env.PROVIDER_URL }')
  expect(local.match(/_URL }/g)).toHaveLength(2)
  return local
}

test.skipIf('missing' in found)('withCustomer works with the flag nodejs_compat', async () => {
  await using provider = await startReplayServer()
  await using stripe = await startFakeStripe()
  provider.serve(completion)
  const { code } = await bundle({ file: 'worker.ts' })
  await using worker = await startWorker('path' in found ? found.path : '', {
    code,
    compatibilityDate: '2025-01-01',
    compatibilityFlags: ['nodejs_compat'],
    env: { PROVIDER_URL: `${provider.url}/v1`, STRIPE_URL: stripe.url, STRIPE_KEY: stripe.apiKey },
  })
  const response = await fetch(`${worker.url}/context`)
  expect(await response.text()).toBe('done')
  await vi.waitFor(() =>
    expect(stripe.billed().map(({ customer }) => customer)).toEqual(['cus_context', 'cus_context']),
  )
})

test.skipIf('missing' in found)(
  'a meter at the top of a Worker is refused, with what to do',
  async () => {
    const { code } = await bundle({
      folder: packageFolder('core'),
      contents: `import { createMeter, memoryOutbox } from './src/index.ts'
      createMeter({ providers: [], outbox: memoryOutbox() })
      export default {}`,
    })
    const starting = startWorker('path' in found ? found.path : '', {
      code,
      compatibilityDate: '2026-11-01',
      env: {},
    })
    await expect(starting).rejects.toThrow('make the meter in the handler')
  },
)
