import type { ReplayEvent } from '@token-meter/testkit'
import Groq from 'groq-sdk'
import { describe, expect, test } from 'vitest'
import { asStream, drain, sse, startRelative, tokens } from './relatives.ts'
import { chatCompletion } from './scripts.ts'

const groq = { newClient: (options: object) => new Groq(options) }

describe('Groq', () => {
  const usage = (prompt_tokens: number, completion_tokens: number, cached_tokens?: number) => ({
    queue_time: 0.016,
    prompt_tokens,
    prompt_time: 0.01,
    completion_tokens,
    completion_time: 0.05,
    total_tokens: prompt_tokens + completion_tokens,
    total_time: 0.06,
    ...(cached_tokens !== undefined && { prompt_tokens_details: { cached_tokens } }),
  })
  const compound = {
    ...chatCompletion,
    model: 'groq/compound',
    service_tier: 'on_demand',
    usage: usage(2629, 889),
    x_groq: { id: 'req_1' },
  }
  const breakdown = {
    models: [
      { model: 'meta-llama/llama-4-scout-17b-16e-instruct', usage: usage(1726, 16) },
      { model: 'openai/gpt-oss-120b', usage: usage(903, 873, 400) },
    ],
  }
  const scout = {
    model: 'meta-llama/llama-4-scout-17b-16e-instruct',
    tokens: tokens(1726, 0, 0, 16),
  }
  const gpt = { model: 'openai/gpt-oss-120b', tokens: tokens(503, 400, 0, 873) }
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'groq/compound' }
  const said = { ...chunk, choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] }
  const stop = (more: object) => ({
    ...chunk,
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    ...more,
  })
  const request = { model: 'groq/compound', messages: [{ role: 'user' as const, content: 'Hi' }] }

  test.each<[where: string, reply: object, isStream: boolean]>([
    ['beside the usage', { ...compound, usage_breakdown: breakdown }, false],
    ['in x_groq', { ...compound, x_groq: { id: 'req_1', usage_breakdown: breakdown } }, false],
    [
      'in x_groq of the last chunk',
      [
        said,
        stop({ x_groq: { id: 'req_1', usage: usage(2629, 889), usage_breakdown: breakdown } }),
      ],
      true,
    ],
    [
      'in x_groq of a chunk before the usage',
      [
        said,
        stop({ x_groq: { id: 'req_1', usage_breakdown: breakdown } }),
        { ...chunk, choices: [], usage: usage(2629, 889) },
      ],
      true,
    ],
  ])('a system of several models: a record each, which add up, %s', async (_, reply, isStream) => {
    await using run = await startRelative(groq)
    if (isStream) run.server.serve(sse(reply as object[]), asStream)
    else run.server.serve(reply as ReplayEvent)
    if (isStream) {
      await drain(await run.metered.chat.completions.create({ ...request, stream: true }))
    } else await run.metered.chat.completions.create(request)
    const common = { provider: 'groq', requestedModel: 'groq/compound', outcome: 'complete' }
    expect(run.records).toMatchObject([
      { ...common, ...scout, requests: null },
      { ...common, ...gpt, requests: null },
    ])
    // 1726 + 503 + 400 input and 16 + 873 output: what the whole says.
    const all = run.records.flatMap((record) => Object.values(record.tokens))
    expect(all.reduce((sum, count) => sum + count, 0)).toBe(2629 + 889)
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(2)
    expect(run.errors).toEqual([])
  })

  test.each<[what: string, odd: { models: unknown[] }]>([
    ['leaves a part out', { models: [breakdown.models[0]] }],
    ['names no model', { models: [{ usage: usage(2629, 889) }] }],
    ['has no usage', { models: breakdown.models.map(({ model }) => ({ model })) }],
    ['is empty', { models: [] }],
  ])('a breakdown that %s is none: the whole is one record', async (_, odd) => {
    await using run = await startRelative(groq)
    run.server.serve({ ...compound, usage_breakdown: odd } as ReplayEvent)
    await run.metered.chat.completions.create(request)
    expect(run.records).toMatchObject([
      { model: 'groq/compound', tokens: tokens(2629, 0, 0, 889), serviceTier: 'on_demand' },
    ])
    expect(run.errors.map(({ message }) => message)).toEqual(
      odd.models.length === 0 ? [] : [expect.stringContaining('is not all of its usage')],
    )
  })

  test('a model that wrote nothing beside others is billed for what it read, and one that did nothing not at all', async () => {
    await using run = await startRelative(groq)
    const models = [
      { model: 'router', usage: usage(629, 0) },
      { model: 'idle', usage: usage(0, 0) },
      {
        model: 'openai/gpt-oss-120b',
        usage: { ...usage(2000, 889), completion_tokens_details: { reasoning_tokens: 300 } },
      },
    ]
    const whole = { ...usage(2629, 889), completion_tokens_details: { reasoning_tokens: 300 } }
    const tool = { index: 0, type: 'search', arguments: '{}' }
    const message = { role: 'assistant', content: 'Hi', executed_tools: [tool] }
    const choices = [{ index: 0, message, finish_reason: 'stop' }]
    const reply = { ...compound, choices, usage: whole, usage_breakdown: { models } }
    run.server.serve(reply as ReplayEvent)
    await run.metered.chat.completions.create(request)
    const common = { outcome: 'complete', requests: null }
    // A search is of the whole; what was reasoned is of who did.
    const [first, second] = [{ webSearchRequests: 1 }, { reasoning: 300 }]
    expect(run.records.map(({ model, tokens, details }) => ({ model, tokens, details }))).toEqual([
      { model: 'router', tokens: tokens(629, 0, 0, 0), details: first },
      { model: 'openai/gpt-oss-120b', tokens: tokens(2000, 0, 0, 889), details: second },
    ])
    expect(run.records).toMatchObject([common, common])
    expect(run.errors).toEqual([])
  })

  test('a breakdown beside zeros of the whole is what was used', async () => {
    await using run = await startRelative(groq)
    run.server.serve({ ...compound, usage: usage(0, 0), usage_breakdown: breakdown } as ReplayEvent)
    await run.metered.chat.completions.create(request)
    expect(run.records).toMatchObject([scout, gpt])
    expect(run.errors).toEqual([])
  })

  test('the breakdown of a system alone, without the usage of the whole', async () => {
    await using run = await startRelative(groq)
    const { usage: _, ...bare } = compound
    run.server.serve({ ...bare, usage_breakdown: breakdown } as ReplayEvent)
    await run.metered.chat.completions.create(request)
    expect(run.records).toMatchObject([scout, gpt])
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
  })

  test('a prompt that was cached, the tier, and what it costs', async () => {
    await using run = await startRelative(groq)
    const whole = { ...compound, model: 'openai/gpt-oss-120b', service_tier: 'flex' }
    run.server.serve({ ...whole, usage: usage(4641, 1817, 4608) })
    const streamed = stop({ x_groq: { id: 'r', usage: usage(20, 5) }, service_tier: 'on_demand' })
    run.server.serve(sse([said, streamed]), asStream)
    await run.metered.chat.completions.create(request)
    await drain(await run.metered.chat.completions.create({ ...request, stream: true }))
    expect(run.server.requests[1]?.body).toEqual({ ...request, stream: true })
    expect(run.records).toMatchObject([
      {
        model: 'openai/gpt-oss-120b',
        tokens: tokens(33, 4608, 0, 1817),
        serviceTier: 'flex',
        // 33 + 4608 at half the price of input, and 1817 of output: 0.15, 0.075 and 0.6 USD.
        cost: { provider: '0.00144075', currency: 'USD' },
      },
      { tokens: tokens(20, 0, 0, 5), serviceTier: 'on_demand' },
    ])
  })

  test('sound: the seconds of the verbose form, the text of the other, the characters of speech', async () => {
    await using run = await startRelative(groq)
    const file = new File(['x'], 'a.wav')
    const model = 'whisper-large-v3-turbo'
    run.server.serve({
      task: 'transcribe',
      language: 'en',
      duration: 123.5,
      text: 'Hi',
      x_groq: { id: 'req_1' },
    })
    await run.metered.audio.transcriptions.create({ file, model, response_format: 'verbose_json' })
    run.server.serve({ task: 'translate', duration: 7, text: 'Hi', x_groq: { id: 'req_2' } })
    await run.metered.audio.translations.create({ file, model: 'whisper-large-v3' })
    run.server.serve({ text: 'Hello there', x_groq: { id: 'req_3' } })
    await run.metered.audio.transcriptions.create({ file, model })
    run.server.serve(Buffer.from('RIFF'), { headers: { 'content-type': 'audio/wav' } })
    const voice = 'autumn'
    await run.metered.audio.speech.create({
      model: 'canopylabs/orpheus-v1-english',
      input: 'Hällo',
      voice,
    })
    expect(run.records).toMatchObject([
      // 123.5 s at 0.04 USD an hour.
      {
        endpoint: 'audio.transcriptions',
        model,
        details: { seconds: 123.5 },
        tokens: tokens(0, 0, 0, 0),
      },
      { endpoint: 'audio.translations', model: 'whisper-large-v3', details: { seconds: 7 } },
      { endpoint: 'audio.transcriptions', outcome: 'estimated' },
      { endpoint: 'audio.speech', details: { characters: 5 }, tokens: tokens(0, 0, 0, 0) },
    ])
    expect(run.records[0]?.cost).toBeDefined()
    expect(run.errors.splice(0)).toMatchObject([{ code: 'usage' }])
  })

  test('embeddings', async () => {
    await using run = await startRelative(groq)
    run.server.serve({
      object: 'list',
      model: 'nomic-embed-text-v1_5',
      data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
      usage: { prompt_tokens: 9, total_tokens: 9 },
    })
    await run.metered.embeddings.create({ model: 'nomic-embed-text-v1_5', input: 'x' })
    expect(run.records).toMatchObject([{ endpoint: 'embeddings', tokens: tokens(9, 0, 0, 0) }])
  })

  test('a batch says no usage, which is told when it is done, once', async () => {
    await using run = await startRelative(groq)
    const batch = {
      id: 'batch_1',
      object: 'batch',
      endpoint: '/v1/chat/completions',
      created_at: 1,
    }
    run.server.serve({ ...batch, status: 'validating' })
    run.server.serve(
      { ...batch, status: 'completed', request_counts: { total: 2, completed: 2, failed: 0 } },
      { times: 2 },
    )
    await run.metered.batches.create({
      completion_window: '24h',
      endpoint: '/v1/chat/completions',
      input_file_id: 'file_1',
    })
    await run.metered.batches.retrieve('batch_1')
    await run.metered.batches.retrieve('batch_1')
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('a finished batch has no usage') as string,
    ])
  })
})
