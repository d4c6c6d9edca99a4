import { cost } from '@token-meter/core/cost'
import { genaiPrices } from '@token-meter/core/genai-prices'
import { describe, expect, test } from 'vitest'
import { ndjson, sdkMinors, startMetered } from './metered.ts'
import { answer, drain, messages, metrics, model, none, part, ways } from './scripts.ts'

const { prompt_eval_count: _, ...cachedMetrics } = metrics
const newest = sdkMinors.at(-1)!.Ollama

describe.each(sdkMinors)('ollama $minor', ({ Ollama }) => {
  test.each(ways)('%s is recorded once, to the token', async (_name, reply, call, expected) => {
    await using started = await startMetered(Ollama)
    started.server.serve(reply as never)
    await call(started)
    expect(started.errors).toEqual([])
    expect(started.records).toEqual([
      expect.objectContaining({ customer: 'cus_1', provider: 'ollama', ...expected }),
    ])
  })

  test.each([
    ['not there', { prompt_eval_count: undefined }],
    ['0', { prompt_eval_count: 0 }],
  ])('the count of a cached prompt that is %s is an estimate, never 0', async (_name, more) => {
    const words = 'The keeper lit the lamp. '.repeat(24)
    for (const streamed of [false, true]) {
      await using started = await startMetered(Ollama)
      const { server, metered, records, errors } = started
      const request = { model, messages: [{ role: 'user', content: words }] }
      const said = answer(undefined, more)
      server.serve((streamed ? [part({ content: 'Hel' }), said] : said) as never)
      if (streamed) await drain(metered.chat({ ...request, stream: true }))
      else await metered.chat(request)
      expect(records).toMatchObject([
        { tokens: { output: 18 }, outcome: 'estimated', details: { estimated: ['input'] } },
      ])
      expect(records[0]!.tokens.input).toBeGreaterThan(90)
      expect(errors).toMatchObject([{ code: 'usage' }])
    }
  })

  test('images of a prompt are no text', async () => {
    await using started = await startMetered(Ollama)
    const { server, metered, records } = started
    server.serve({ ...answer(), ...cachedMetrics, prompt_eval_count: undefined } as never)
    const images = [Buffer.alloc(30_000, 'pixels').toString('base64')]
    await metered.chat({ model, messages: [{ role: 'user', content: 'What is it?', images }] })
    expect(records[0]!.tokens.input).toBeLessThan(20)
  })

  test('cached tokens that are more than the prompt are reported', async () => {
    await using started = await startMetered(Ollama)
    started.server.serve(answer(undefined, { prompt_eval_cached_count: 12 }) as never)
    await started.metered.chat({ model, messages })
    expect(started.records).toMatchObject([{ tokens: { ...none, input: 11, output: 18 } }])
    expect(started.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/12 cached tokens exceed the 11 prompt tokens/),
    ])
  })

  test('to load a model, or to let go of it, uses nothing', async () => {
    await using started = await startMetered(Ollama)
    const { server, metered, records, errors } = started
    for (const done_reason of ['load', 'unload']) {
      const idle = { model, created_at: 'x', done: true, done_reason }
      const empty = { ...idle, message: { role: 'assistant', content: '' } }
      server.serve(empty as never)
      await metered.chat({ model, messages: [], keep_alive: 0 })
      server.serve([empty] as never)
      await drain(metered.chat({ model, messages: [], stream: true }))
      server.serve({ ...idle, response: '' } as never)
      await metered.generate({ model, prompt: '' })
    }
    expect([records, errors]).toEqual([[], []])
  })

  test('what is said to be a load, and counts, is billed', async () => {
    await using started = await startMetered(Ollama)
    started.server.serve(answer(undefined, { done_reason: 'load' }) as never)
    await started.metered.chat({ model, messages })
    expect(started.records).toMatchObject([{ tokens: { ...none, input: 11, output: 18 } }])
  })

  test('to embed nothing uses nothing, and is no news', async () => {
    await using started = await startMetered(Ollama)
    started.server.serve({ model, embeddings: [], total_duration: 5 } as never)
    await started.metered.embed({ model, input: [] })
    expect([started.records, started.errors]).toEqual([[], []])
  })

  test.each(['application/json', 'text/plain'])(
    'a proxy has passed a stream on as %s: it is read all the same',
    async (type) => {
      await using started = await startMetered(Ollama)
      const lines = [part({ content: 'Hel' }), answer()].map((line) => `${JSON.stringify(line)}\n`)
      const headers = { 'content-type': type }
      started.server.serve(Buffer.from(lines.join('')) as never, { headers })
      await drain(started.metered.chat({ model, messages, stream: true }))
      // The SDK has its last line before the body ends.
      await started.meter.flush()
      expect(started.records).toMatchObject([{ tokens: { ...none, input: 11, output: 18 } }])
      expect(started.errors).toEqual([])
    },
  )

  test('an embedding of the older kind does not say what it used: an estimate, and reported', async () => {
    await using started = await startMetered(Ollama)
    started.server.serve({ embedding: [0.1, 0.2] } as never)
    await started.metered.embeddings({ model: 'all-minilm', prompt: 'Why is the sky blue?' })
    expect(started.records).toMatchObject([
      {
        endpoint: 'embeddings',
        model: 'all-minilm',
        tokens: { output: 0 },
        outcome: 'estimated',
        details: { estimated: ['input'] },
      },
    ])
    expect(started.records[0]!.tokens.input).toBeGreaterThan(3)
    expect(started.errors).toHaveLength(1)
  })

  test('what asks no model is neither recorded nor refused', async () => {
    await using started = await startMetered(Ollama, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const { server, metered, records, errors } = started
    const calls: readonly (readonly [() => PromiseLike<unknown>, object])[] = [
      [() => metered.list(), { models: [] }],
      [() => metered.ps(), { models: [] }],
      [() => metered.show({ model }), { details: {} }],
      [() => metered.pull({ model }), { status: 'success' }],
      [
        () => drain(metered.pull({ model, stream: true })),
        [{ status: 'pulling', total: 9 }, { status: 'success' }],
      ],
      [() => metered.push({ model }), { status: 'success' }],
      [() => metered.create({ model, from: 'llama3' }), { status: 'success' }],
      [() => metered.copy({ source: model, destination: 'mine' }), {}],
      [() => metered.delete({ model }), {}],
    ]
    for (const [call, reply] of calls) {
      server.serve(reply as never)
      await call()
    }
    expect(server.requests).toHaveLength(calls.length)
    expect([records, errors]).toEqual([[], []])
  })

  test('the same by meter.fetch, whatever sends', async () => {
    await using started = await startMetered(Ollama)
    const { server, meter, records } = started
    const raw = new Ollama({ host: server.url, fetch: meter.fetch('cus_1') })
    for (const [, reply, call] of ways) {
      records.length = 0
      server.serve(reply as never, { times: 2 })
      await call(started)
      await call({ ...started, metered: raw })
      const own = { id: '', at: 0, requestId: '' }
      const [one, other] = records.map((record) => ({ ...record, ...own }))
      expect(other).toEqual(one)
      expect(records).toHaveLength(2)
    }
  })
})

test('System One, by its usage', async () => {
  await using started = await startMetered(newest)
  started.server.serve({
    model: 'nimble',
    answers: { label: { type: 'noul', noul: 0.9 } },
    usage: { input_tokens: 174, output_tokens: 1 },
  })
  await started.metered.systemone({
    model: 'nimble',
    state: 'Our checkout has returned errors since 9am.',
    questions: { label: { type: 'noul', instructions: 'Is it a bug?' } },
  })
  expect(started.errors).toEqual([])
  expect(started.records).toMatchObject([
    {
      endpoint: 'systemone',
      model: 'nimble',
      tokens: { ...none, input: 174, output: 1 },
      outcome: 'complete',
      raw: { input_tokens: 174, output_tokens: 1 },
    },
  ])
})

test('System One by meter.fetch, whose input has a name of every day', async () => {
  await using started = await startMetered(newest)
  const usage = { input_tokens: 174, output_tokens: 1 }
  const ask = async (reply: object) => {
    started.server.serve(reply as never)
    const init = { method: 'POST', body: JSON.stringify({ model: 'nimble', state: 'Errors' }) }
    await (await started.meter.fetch('cus_1')(`${started.server.url}/v1/systemone`, init)).json()
  }
  await ask({ model: 'nimble', answers: {}, usage })
  await ask({ model: 'nimble', answers: {} })
  expect(started.records).toMatchObject([{ tokens: { ...none, input: 174, output: 1 } }])
  expect(started.errors).toEqual([])
})

test('searches of ollama.com have no tokens, which is told once', async () => {
  const sent: string[] = []
  const own: typeof fetch = async (input) => {
    sent.push(String(input))
    return Response.json({ results: [] })
  }
  await using started = await startMetered(newest, { client: { fetch: own } })
  for (let time = 0; time < 2; time++) {
    await started.metered.webSearch({ query: 'what is ollama' })
    await started.metered.webFetch({ url: 'https://example.com' })
  }
  expect(sent).toHaveLength(4)
  expect(started.records).toEqual([])
  expect(started.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/web searches work, but are not metered/),
    expect.stringMatching(/web fetches work, but are not metered/),
  ])
})

test.each([
  ['https://ollama.com', 'ollama'],
  ['http://gpu.example:11434', 'ollama'],
])('calls to %s are of %s', async (host, provider) => {
  const own: typeof fetch = async () => Response.json(answer())
  await using started = await startMetered(newest, { client: { host, fetch: own } })
  await started.metered.chat({ model: 'gpt-oss:120b', messages })
  expect(started.records).toMatchObject([{ provider, requestedModel: 'gpt-oss:120b' }])
})

test('a path of the same name at an application is none of it', async () => {
  await using started = await startMetered(newest)
  const metered = started.meter.fetch('cus_1')
  const url = `${started.server.url}/api/chat`
  const ask = async (body: object, reply: object) => {
    started.server.serve(reply as never)
    await (await metered(url, { method: 'POST', body: JSON.stringify(body) })).text()
  }
  await ask({ messages }, { text: 'Hello' })
  await ask({ model: 'mine', messages }, { text: 'Hello' })
  started.server.serve([{ type: 'text', text: 'Hello' }] as never, { framing: ndjson })
  await (
    await metered(url, { method: 'POST', body: JSON.stringify({ model: 'mine', messages }) })
  ).text()
  expect([started.records, started.errors]).toEqual([[], []])
})

test('a model of your own has the price that you give it, and none else', async () => {
  const prices = [{ 'ollama/gemma3': { input: '0.1', output: '0.3' } }, genaiPrices()]
  await using started = await startMetered(newest, { cost: cost({ prices }) })
  started.server.serve(answer() as never)
  started.server.serve(answer(undefined, { model: 'llama3.3' }) as never)
  await started.metered.chat({ model, messages })
  await started.metered.chat({ model: 'llama3.3', messages })
  // 11 x 0.1 and 18 x 0.3, for a million.
  expect(started.records.map((record) => record.cost?.provider)).toEqual(['0.0000065', undefined])
})
