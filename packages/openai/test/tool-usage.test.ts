import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { countedTokens, finishedResponse, queuedResponse, responseScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const imageGen = {
  input_tokens: 30,
  input_tokens_details: { image_tokens: 20, text_tokens: 10 },
  cached_tokens: 5,
  cached_tokens_details: { cached_image_tokens: 4, cached_text_tokens: 1 },
  output_tokens: 400,
  output_tokens_details: { image_tokens: 400, text_tokens: 0 },
  total_tokens: 430,
}
const svgUsage = { model: 'gpt-5.6-sol', input_tokens: 2, output_tokens: 3, total_tokens: 5 }
const withTools = {
  ...finishedResponse,
  tools: [{ type: 'web_search' }, { type: 'image_generation', model: 'gpt-image-1.5' }],
  tool_usage: { image_gen: imageGen, web_search: { num_requests: 2 } },
  output: [
    ...finishedResponse.output,
    { id: 'ig_1', type: 'image_generation_call', status: 'completed', svg_usage: svgUsage },
  ],
}
const expected = [
  { model: 'gpt-5.4-2026-03-05', tokens: countedTokens, details: { webSearchRequests: 2 } },
  {
    model: 'gpt-image-1.5',
    tokens: { input: 25, cachedInput: 5, cachedWrite: 0, output: 400 },
    details: { imageInput: 20, cachedImageInput: 4, imageOutput: 400 },
    raw: imageGen,
  },
  { model: 'gpt-5.6-sol', tokens: { input: 2, output: 3 }, raw: svgUsage },
]
const request = { model: 'gpt-5.4', input: 'draw' }

describe.each(sdkMajors)('tools with models of their own on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('are records of their own', async () => {
    await using run = await start()
    run.server.serve(withTools)
    await run.metered.responses.create(request)
    expect(run.records).toMatchObject(expected)
    expect(run.records).toHaveLength(3)
    expect(run.errors).toEqual([])
  })

  test('streamed as well', async () => {
    await using run = await start()
    const script = responseScript.map((event) =>
      event.type === 'response.completed' ? { ...event, response: withTools } : event,
    )
    run.server.serve(script)
    for await (const _ of await run.metered.responses.create({ ...request, stream: true }));
    expect(run.records).toMatchObject(expected)
  })

  test('of a background response are billed once, with ids of their own', async () => {
    await using run = await start()
    const id = `resp_tools_${Math.random()}`
    run.server.serve({ ...queuedResponse, id })
    run.server.serve({ ...withTools, id, background: true }, { times: 2 })
    await run.metered.responses.create({ ...request, background: true })
    await run.metered.responses.retrieve(id)
    await run.metered.responses.retrieve(id)
    expect(run.records).toMatchObject(expected)
    expect(new Set(run.records.map((record) => record.id)).size).toBe(3)
  })

  test('web searches are counted where the response has no count of them', async () => {
    await using run = await start()
    const call = { type: 'web_search_call', status: 'completed' }
    const output = [
      ...finishedResponse.output,
      { ...call, id: 'ws_1', action: { type: 'search', query: 'q' } },
      { ...call, id: 'ws_2', action: { type: 'open_page', url: 'https://a.test' } },
      { ...call, id: 'ws_3', action: { type: 'search' }, status: 'failed' },
      { ...call, id: 'ws_4' },
    ]
    run.server.serve({ ...finishedResponse, output, tool_usage: { image_gen: {} } })
    await run.metered.responses.create(request)
    expect(run.records).toMatchObject([{ details: { webSearchRequests: 2 } }])
  })

  test('what a gateway says the response cost has the tools in it', async () => {
    await using run = await start()
    const usage = { ...finishedResponse.usage, cost: 0.25 }
    run.server.serve({ ...withTools, usage })
    await run.metered.responses.create(request)
    expect(run.records.map(({ details }) => details.providerCostUsd)).toEqual([0.25, 0, 0])
  })

  test.each([
    ['none', {}],
    [
      'zeros',
      { tool_usage: { image_gen: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } } },
    ],
    ['empty', { tool_usage: { image_gen: {}, web_search: { num_requests: 0 } } }],
    ['null', { tool_usage: null, output: null }],
  ])('no images, no record: %s', async (_, odd) => {
    await using run = await start()
    run.server.serve({ ...finishedResponse, ...odd })
    await run.metered.post('/responses', { body: request })
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
    expect(run.errors).toEqual([])
  })

  test('a tool that names no model has the documented default', async () => {
    await using run = await start()
    const tools = [{ type: 'image_generation' }]
    run.server.serve({ ...finishedResponse, tools, tool_usage: { image_gen: imageGen } })
    await run.metered.responses.create(request)
    expect(run.records.map(({ model }) => model)).toEqual(['gpt-5.4-2026-03-05', 'gpt-image-2'])
  })
})
