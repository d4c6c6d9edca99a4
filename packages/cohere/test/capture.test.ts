import { cost } from '@token-meter/core/cost'
import { genaiPrices } from '@token-meter/core/genai-prices'
import { describe, expect, test } from 'vitest'
import { type Sdk, sdkMajors, startMetered } from './metered.ts'
import {
  answer,
  asLines,
  drain,
  embedded,
  lines,
  messages,
  meta,
  model,
  none,
  reranked,
  rerankRequest,
  ways,
} from './scripts.ts'

const [, sdk8] = sdkMajors as [Sdk, Sdk]

describe.each(sdkMajors)('cohere-ai $major', (sdk) => {
  test.each(ways)('%s is recorded once, by what is billed', async (_, reply, call, expected) => {
    await using started = await startMetered(sdk)
    const { server, records, errors } = started
    server.serve(reply as never, reply instanceof Uint8Array ? asLines : {})
    await call(started)
    expect(errors).toEqual([])
    expect(records).toEqual([
      expect.objectContaining({ customer: 'cus_1', provider: 'cohere', ...expected }),
    ])
  })

  test('a stream of generate does not say what it used: an estimate, and reported', async () => {
    await using started = await startMetered(sdk)
    started.server.serve(
      lines([
        { text: 'Once upon a time', is_finished: false, event_type: 'text-generation' },
        {
          is_finished: true,
          event_type: 'stream-end',
          finish_reason: 'COMPLETE',
          response: { id: 'gen_4', generations: [{ id: 'g', text: 'Once upon a time' }] },
        },
      ]) as never,
      asLines,
    )
    await drain(started.metered.generateStream({ prompt: 'Please tell a story' }))
    expect(started.records).toMatchObject([
      { endpoint: 'generate', outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    const { input, output } = started.records[0]!.tokens
    expect([input, output].every((count) => count > 2 && count < 10)).toBe(true)
    expect(started.errors).toHaveLength(1)
  })

  test.each([
    ['not there', undefined],
    ['empty', {}],
    ['zeros', { input_tokens: 0, output_tokens: 0 }],
  ])('billed units that are %s: the tokens are counted, and that is reported', async (_, units) => {
    await using started = await startMetered(sdk)
    const tokens = { input_tokens: 71, output_tokens: 12 }
    started.server.serve({ ...answer, usage: { billed_units: units, tokens } } as never)
    await started.metered.v2.chat({ model, messages })
    expect(started.records).toMatchObject([
      { tokens: { ...none, input: 71, output: 12 }, outcome: 'complete' },
    ])
    expect(started.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/billed_units have no input tokens.*no output tokens/),
    ])
  })

  test('one billed count alone: the other is that of the tokens', async () => {
    await using started = await startMetered(sdk)
    const usage = {
      billed_units: { output_tokens: 12 },
      tokens: { input_tokens: 71, output_tokens: 40 },
    }
    started.server.serve({ ...answer, usage } as never)
    await started.metered.v2.chat({ model, messages })
    expect(started.records).toMatchObject([{ tokens: { ...none, input: 71, output: 12 } }])
    expect(started.errors).toHaveLength(1)
  })

  test.each([
    [
      'beside the tokens of the model',
      { input_tokens: 71, output_tokens: 12 },
      [71, 12],
      'complete',
    ],
    ['alone', undefined, [2, 2], 'estimated'],
  ] as const)(
    'search units of an answer, %s, are not all of it',
    async (_, tokens, counts, outcome) => {
      await using started = await startMetered(sdk)
      const usage = { billed_units: { search_units: 2 }, tokens }
      started.server.serve({ ...answer, usage } as never)
      await started.metered.v2.chat({ model, messages })
      const [input, output] = counts
      expect(started.records).toMatchObject([
        { tokens: { ...none, input, output }, details: { searchUnits: 2 }, outcome },
      ])
      expect(started.errors).toHaveLength(1)
    },
  )

  test('an answer of v1 that says what was asked, and not what it used, is no error', async () => {
    await using started = await startMetered(sdk)
    started.server.serve({ response_id: 'r', message: 'Hi', text: 'Hello there' } as never)
    await started.metered.chat({ message: 'Hi' })
    expect(started.records).toMatchObject([{ outcome: 'estimated', responseId: 'r' }])
    expect(started.records[0]!.tokens.output).toBeGreaterThan(1)
  })

  test('a count of text that cannot be leaves the input unknown, also beside images', async () => {
    await using started = await startMetered(sdk)
    started.server.serve({
      ...embedded,
      meta: meta({ input_tokens: -1, image_tokens: 2 }),
    } as never)
    const texts = ['hello there, all of you']
    await started.metered.v2.embed({ model: 'embed-v4.0', inputType: 'search_query', texts })
    expect(started.records).toMatchObject([{ outcome: 'estimated', details: { imageInput: 2 } }])
    expect(started.records[0]!.tokens.input).toBeGreaterThan(2)
  })

  test('pieces that are not there are reported, and are never 0', async () => {
    await using started = await startMetered(sdk)
    started.server.serve({ ...reranked, meta: undefined } as never)
    await started.metered.v2.rerank(rerankRequest)
    expect(started.records).toEqual([])
    expect(started.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/rerank.*does not say what is billed.*Nothing is recorded/),
    ])
  })

  test('an embedding without a count of its input is an estimate', async () => {
    await using started = await startMetered(sdk)
    started.server.serve({ ...embedded, meta: undefined } as never)
    const texts = ['hello there, all of you']
    await started.metered.v2.embed({ model: 'embed-v4.0', inputType: 'search_query', texts })
    expect(started.records).toMatchObject([
      { tokens: { output: 0 }, outcome: 'estimated', details: { estimated: ['input'] } },
    ])
    expect(started.records[0]!.tokens.input).toBeGreaterThan(2)
  })

  test('what costs nothing is neither recorded nor refused', async () => {
    await using started = await startMetered(sdk, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const { server, metered, records, errors } = started
    server.serve({ tokens: [1], token_strings: ['a'], meta: meta({ input_tokens: 1 }) } as never)
    await metered.tokenize({ text: 'a', model })
    server.serve({ text: 'a' } as never)
    await metered.detokenize({ tokens: [1], model })
    server.serve({ valid: true } as never)
    await metered.checkApiKey()
    server.serve({ models: [] } as never)
    await metered.models.list()
    server.serve({ datasets: [] } as never)
    await metered.datasets.list()
    server.serve({} as never)
    await metered.embedJobs.cancel('job_1')
    expect(server.requests).toHaveLength(6)
    expect([records, errors]).toEqual([[], []])
  })

  test('what no answer tells is reported, once', async () => {
    await using started = await startMetered(sdk)
    started.server.serve({ finetuned_model: {} } as never, { times: 2 })
    const request = {
      name: 'mine',
      settings: { baseModel: { baseType: 'BASE_TYPE_CHAT' }, datasetId: 'd' },
    } as const
    for (let time = 0; time < 2; time++) {
      await started.metered.finetuning.createFinetunedModel(request)
    }
    expect(started.records).toEqual([])
    // Once in a process: the other major may have been first.
    expect(started.errors.length).toBeLessThanOrEqual(1)
    for (const { message } of started.errors) expect(message).toMatch(/fine-tuning works, but/)
  })

  test("the same by meter.fetch, at Cohere's host", async () => {
    await using started = await startMetered(sdk)
    const { server, meter, records } = started
    const host = 'https://api.cohere.com'
    const send: typeof fetch = (input, init) => fetch(String(input).replace(host, server.url), init)
    const settings = {
      token: 'key',
      environment: host,
      fetch: meter.fetch('cus_1', { fetch: send }),
    }
    const metered = new sdk.CohereClient(settings)
    const meteredV2 = new sdk.CohereClientV2(settings)
    for (const [, reply, call] of ways) {
      records.length = 0
      server.serve(reply as never, { times: 2, ...(reply instanceof Uint8Array ? asLines : {}) })
      await call(started)
      await call({ ...started, metered, meteredV2 })
      const own = { id: '', at: 0, requestId: '' }
      const [one, other] = records.map((record) => ({ ...record, ...own }))
      expect(other).toEqual(one)
      expect(records).toHaveLength(2)
    }
  })
})

describe('by meter.fetch at a host that nobody knows, as a proxy of one’s own is', () => {
  const send = async (body: object, reply: object, path = '/v1/chat') => {
    await using run = await startMetered(sdk8)
    run.server.serve(reply as never)
    const init = { method: 'POST', body: JSON.stringify(body) }
    await (await run.meter.fetch('cus_1')(run.server.url + path, init)).text()
    return { records: run.records, errors: run.errors }
  }
  const used = { text: 'Hello', meta: meta({ input_tokens: 3, output_tokens: 9 }) }

  test.each([
    [{ message: 'Hi', model }, model],
    [{ message: 'Hi' }, 'unknown'],
  ])('chat of v1 is known by what it is billed for: %j', async (body, expected) => {
    const { records, errors } = await send(body, used)
    expect(records).toMatchObject([
      { model: expected, tokens: { ...none, input: 3, output: 9 }, outcome: 'complete' },
    ])
    expect(errors).toEqual([])
  })

  test('summarize too', async () => {
    const { records } = await send({ text: 'Long' }, used, '/v1/summarize')
    expect(records).toMatchObject([{ endpoint: 'summarize', tokens: { input: 3, output: 9 } }])
  })

  test.each([
    { text: 'Hello' },
    { message: 'Hello' },
    { ...used, meta: meta({ search_units: 1 }) },
  ])('an application of the same path is none of it: %j', async (reply) => {
    expect(await send({ message: 'Hi', model: 'support' }, reply)).toEqual({
      records: [],
      errors: [],
    })
  })
})

describe('what newer versions have', () => {
  test('parse, by the page', async () => {
    await using started = await startMetered(sdk8)
    const request = {
      model: 'parse-v5.0',
      document: { type: 'image_url' as const, imageUrl: 'https://example.com/a.png' },
    }
    started.server.serve({ id: 'parse_1', pages: [], meta: meta({ pages: 3 }) } as never, {
      times: 2,
    })
    await started.metered.v2.parse(request)
    await started.meteredV2.parse(request)
    const expected = {
      endpoint: 'parse',
      model: 'parse-v5.0',
      tokens: none,
      details: { pages: 3 },
      outcome: 'complete',
    }
    expect(started.records).toMatchObject([expected, expected])
  })

  test('transcriptions say nothing of what they used, which is told', async () => {
    await using started = await startMetered(sdk8)
    started.server.serve({ text: 'Hello' } as never)
    const file = new Blob(['sound'])
    await started.metered.audio.transcriptions.create(file, { model: 'transcribe', language: 'en' })
    expect(started.records).toEqual([])
    expect(started.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/transcriptions work, but are not metered/),
    ])
  })
})

test('what tokens cost is in the list of prices; what else is billed costs what it is given', async () => {
  const prices = [{ 'cohere/rerank-v4.0-pro': { searchUnit: '2.5' } }, genaiPrices()]
  await using started = await startMetered(sdk8, { cost: cost({ prices }) })
  for (const reply of [answer, embedded, reranked]) started.server.serve(reply as never)
  await started.metered.v2.chat({ model, messages })
  const texts = ['hello']
  await started.metered.v2.embed({ model: 'embed-v4.0', inputType: 'search_query', texts })
  await started.metered.v2.rerank(rerankRequest)
  // 5 x 2.5 and 418 x 10, 2 x 0.12, each for a million; and 2.5 for a thousand.
  expect(started.records.map((record) => record.cost?.provider)).toEqual([
    '0.0041925',
    '0.00000024',
    '0.0025',
  ])
})
