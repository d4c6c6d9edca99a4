import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const usage = {
  input_tokens: 50,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
  output_tokens: 4160,
  output_tokens_details: { image_tokens: 4150, text_tokens: 10 },
  total_tokens: 4210,
}
const image = { b64_json: 'aGVsbG8=' }
const answer = { created: 1, data: [image], usage }
const counted = { input: 50, cachedInput: 0, cachedWrite: 0, output: 4160 }
const file = () => new File(['png'], 'a.png', { type: 'image/png' })
const svgUsage = {
  model: 'gpt-5.6-sol',
  input_tokens: 20,
  output_tokens: 300,
  reasoning_tokens: 100,
  total_tokens: 320,
}

describe.each(sdkMajors)('images on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('generate: tokens with their image and text parts, on the requested model', async () => {
    await using run = await start()
    run.server.serve(answer)
    const { data } = await run.metered.images.generate({ model: 'gpt-image-2', prompt: 'a cat' })
    expect(data).toEqual([image])
    expect(run.records).toMatchObject([
      {
        endpoint: 'images.generations',
        model: 'gpt-image-2',
        tokens: counted,
        details: { imageInput: 40, imageOutput: 4150 },
        outcome: 'complete',
        raw: usage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('edit: a multipart form says the model', async () => {
    await using run = await startMetered(OpenAI, {
      customer: (call) => (call.body.image === undefined ? String(call.body.prompt) : 'cus_bad'),
    })
    run.server.serve(answer)
    await run.metered.images.edit({ model: 'gpt-image-2', prompt: 'cus_form', image: file() })
    expect(run.records).toMatchObject([
      { endpoint: 'images.edits', model: 'gpt-image-2', customer: 'cus_form', tokens: counted },
    ])
    expect(run.server.requests[0]?.rawBody).toContain('gpt-image-2')
  })

  test('DALL-E has a price per image: pieces, and no tokens', async () => {
    await using run = await start()
    run.server.serve({ created: 1, data: [image, image] }, { times: 2 })
    await run.metered.images.generate({ model: 'dall-e-3', prompt: 'x' })
    await run.metered.images.createVariation({ image: file() })
    const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
    expect(run.records).toMatchObject([
      { model: 'dall-e-3', tokens: none, details: { images: 2 }, outcome: 'complete' },
      { model: 'dall-e-2', tokens: none, details: { images: 2 }, endpoint: 'images.variations' },
    ])
    expect(run.errors).toEqual([])
  })

  test('a GPT image model without usage is a flagged estimate', async () => {
    await using run = await start()
    run.server.serve({ created: 1, data: [image] })
    await run.metered.images.generate({ model: 'gpt-image-2', prompt: 'a long prompt' })
    expect(run.records).toMatchObject([
      { outcome: 'estimated', details: { images: 1, estimated: ['input', 'output'] } },
    ])
    expect(run.errors).toHaveLength(1)
  })

  test('an SVG is billed on its author too', async () => {
    await using run = await start()
    run.server.serve({ ...answer, svg_usage: svgUsage })
    await run.metered.images.generate({ model: 'gpt-image-2', prompt: 'x' })
    expect(run.records).toMatchObject([
      { model: 'gpt-image-2', tokens: counted },
      { model: 'gpt-5.6-sol', tokens: { input: 20, output: 300 }, details: { reasoning: 100 } },
    ])
  })

  test.each(['generate', 'edit'] as const)('%s, streamed', async (method) => {
    await using run = await start()
    const kind = method === 'edit' ? 'image_edit' : 'image_generation'
    run.server.serve([
      { type: `${kind}.partial_image`, b64_json: 'aGVs', partial_image_index: 0 },
      { type: `${kind}.completed`, b64_json: 'aGVsbG8=', usage },
    ])
    const request = { model: 'gpt-image-2', prompt: 'x', stream: true, partial_images: 1 } as const
    const stream =
      method === 'edit'
        ? await run.metered.images.edit({ ...request, image: file() })
        : await run.metered.images.generate(request)
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types).toEqual([`${kind}.partial_image`, `${kind}.completed`])
    expect(run.records).toMatchObject([{ model: 'gpt-image-2', tokens: counted, raw: usage }])
  })

  test('a streamed image that is left is one flagged record', async () => {
    await using run = await start()
    const partial = { type: 'image_generation.partial_image', b64_json: 'aGVs' }
    run.server.serve([partial, partial, { type: 'image_generation.completed', usage }], {
      gapMs: 20,
    })
    const request = { model: 'gpt-image-2', prompt: 'a cat on a mat', stream: true } as const
    for await (const _ of await run.metered.images.generate(request)) break
    expect(run.records).toMatchObject([
      { model: 'gpt-image-2', outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
  })

  test('a refusal bills nothing', async () => {
    await using run = await start()
    run.server.serve({ error: { message: 'blocked' } }, { times: 1 })
    await run.metered.images.generate({ model: 'gpt-image-2', prompt: 'x' })
    expect(run.records).toEqual([])
  })
})
