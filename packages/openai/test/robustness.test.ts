import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, chatScript, countedTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const streamed = { ...chatRequest, stream: true } as const

describe.each(sdkMajors)('openai $major', ({ major, OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('a clone of a metered client, wrapped again, bills who was named last', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const clone = run.metered.withOptions({ timeout: 5000 })
    await run.meter(clone, 'cus_2').chat.completions.create(chatRequest)
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2'])
  })

  test('a wrapper that waits before it calls is metered once', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    run.server.serve(chatScript)
    const { completions } = run.metered.chat
    const create = completions.create.bind(completions) as (...args: unknown[]) => Promise<object>
    completions.create = (async (...args: unknown[]) => {
      await Promise.resolve()
      const answer = await create(...args)
      if (!(Symbol.asyncIterator in answer)) return { ...answer }
      return (async function* () {
        yield* answer as AsyncIterable<unknown>
      })()
    }) as never
    await run.metered.chat.completions.create(chatRequest)
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens, countedTokens])
  })

  test("a refusal of the caller's own stream_options turns nothing off", async () => {
    await using run = await start()
    const refusal = { error: { message: "Unknown parameter: 'stream_options.foo'." } }
    run.server.serve(refusal, { status: 400, times: 2 })
    run.server.serve(chatScript)
    const odd = { ...streamed, stream_options: { foo: 1 } } as never
    await expect(run.metered.chat.completions.create(odd)).rejects.toMatchObject({ status: 400 })
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.records).toMatchObject([{ outcome: 'complete', tokens: countedTokens }])
  })

  test('a model that refuses the option does not speak for the others', async () => {
    await using run = await start()
    const refusal = { error: { message: 'stream_options is not supported by this model' } }
    run.server.serve(refusal, { status: 400 })
    run.server.serve(chatScript, { times: 3 })
    for (const model of ['old', 'old', 'new']) {
      for await (const _ of await run.metered.chat.completions.create({ ...streamed, model }));
    }
    expect(run.server.requests).toHaveLength(4)
    expect(run.records.map(({ outcome }) => outcome)).toEqual([
      'estimated',
      'estimated',
      'complete',
    ])
  })

  test('errors in place of answers are not billed', async () => {
    await using run = await start()
    const error = { error: { message: 'overloaded', code: 502 } }
    run.server.serve(error, { times: 3 })
    run.server.serve([error], { path: '/chat/completions' })
    await run.metered.chat.completions.create(chatRequest)
    await run.metered.embeddings.create({ model: 'e', input: 'x', encoding_format: 'float' })
    await run.metered.responses.create({ model: 'r', input: 'x' })
    const response = await run.metered.chat.completions.create(streamed).asResponse()
    expect(await response.text()).toContain('overloaded')
    expect(run.records).toEqual([])
  })

  test('a body that is no JSON object is sent as it is', async () => {
    await using run = await start()
    run.server.serve(chatScript, { times: 2 })
    const body = { ...streamed, toJSON: () => null }
    for await (const _ of await run.metered.chat.completions.create(body));
    expect(run.server.requests[0]?.rawBody).toBe('null')
    expect(run.records).toHaveLength(1)
  })

  test("a path that cannot be decoded is the server's to refuse", async () => {
    await using run = await start()
    run.server.serve({ error: { message: 'no such response' } }, { status: 404 })
    await expect(run.metered.get('/responses/%E0%A4%A')).rejects.toMatchObject({ status: 404 })
  })

  test('calls that cost tokens and cannot be metered are reported, once', async () => {
    await using run = await start()
    run.server.serve({ id: 'ftjob_1', status: 'queued' }, { times: 2 })
    const job = { model: `m-${major}`, training_file: 'file_1' }
    await run.metered.fineTuning.jobs.create(job)
    await run.metered.fineTuning.jobs.create(job)
    expect(run.server.requests).toHaveLength(2)
    // Once in the process, so the first major hears it.
    if (major === sdkMajors[0]?.major)
      expect(run.errors.map(({ message }) => message)).toEqual([
        expect.stringMatching(/fine-tuning jobs.*not metered/),
      ])
    else expect(run.errors).toEqual([])
  })

  test('a method keeps its name, and an event that is not whole is not held back', async () => {
    await using run = await start()
    expect(run.metered.buildURL.name).toBe(run.raw.buildURL.name)
    expect(run.metered.post.length).toBe(run.raw.post.length)
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(': keepalive\n'))
      },
    })
    await using other = await startMetered(OpenAI, {
      client: {
        fetch: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
      },
    })
    const request = { model: 'r', input: 'x', stream: true } as const
    const response = await other.metered.responses.create(request).asResponse()
    const { value } = (await response.body?.getReader().read()) ?? {}
    expect(new TextDecoder().decode(value)).toBe(': keepalive\n')
  })
})

test('a break at the finish does not let the process end under the caller', async () => {
  const child = join(import.meta.dirname, 'break-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child])
  expect(stdout).toBe('after break\nrecorded 1\n')
})
