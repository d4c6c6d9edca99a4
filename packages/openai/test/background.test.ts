import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { countedTokens, finishedResponse, queuedResponse, responseScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const request = { model: 'gpt-5.4', input: 'hi', background: true } as const
let ids = 0

/** Ids are remembered by the process, so each test has its own. */
function scripted() {
  const id = `resp_background_${ids++}`
  return {
    id,
    queued: { ...queuedResponse, id },
    working: { ...queuedResponse, id, status: 'in_progress' },
    finished: { ...finishedResponse, background: true, id },
  }
}

describe.each(sdkMajors)('background responses on openai $major', ({ OpenAI }) => {
  test('are billed once, when first seen finished, however often they are asked for', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued, working, finished } = scripted()
    for (const reply of [queued, working, finished, finished]) run.server.serve(reply)
    await run.metered.responses.create(request)
    expect(run.records).toEqual([])
    await run.metered.responses.retrieve(id)
    expect(run.records).toEqual([])
    await run.metered.responses.retrieve(id)
    await run.metered.responses.retrieve(id)
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('are billed to who created them, also when somebody else asks', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued, finished } = scripted()
    run.server.serve(queued)
    run.server.serve(finished)
    await run.metered.responses.create(request)
    await run.meter(run.raw, 'cus_poller').responses.retrieve(id)
    expect(run.records).toMatchObject([{ customer: 'cus_1' }])
  })

  test('asked for as a stream', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued, finished } = scripted()
    run.server.serve(queued)
    const events = responseScript.map((event) =>
      event.type === 'response.completed' ? { ...event, response: finished } : event,
    )
    run.server.serve(events)
    await run.metered.responses.create(request)
    for await (const _ of await run.metered.responses.retrieve(id, { stream: true }));
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
  })

  test('resumed as a stream that is left, and asked for later', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued, finished } = scripted()
    const text = responseScript.filter(({ type }) => type === 'response.output_text.delta')
    run.server.serve(queued)
    run.server.serve(text)
    run.server.serve(text)
    run.server.serve(finished)
    await run.metered.responses.create(request)
    const resumed = { stream: true, starting_after: 1 } as const
    for await (const _ of await run.metered.responses.retrieve(id, resumed)) break
    await (await run.metered.responses.retrieve(id, resumed).asResponse()).body?.cancel()
    expect(run.records).toEqual([])
    await run.metered.responses.retrieve(id)
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('cancelled, with what they used until then', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued, finished } = scripted()
    run.server.serve(queued)
    run.server.serve({ ...finished, status: 'cancelled' })
    await run.metered.responses.create(request)
    await run.metered.responses.cancel(id)
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
  })

  test('cancelled before they used anything bill nothing', async () => {
    await using run = await startMetered(OpenAI)
    const { id, queued } = scripted()
    run.server.serve(queued)
    run.server.serve({ ...queued, status: 'cancelled' })
    await run.metered.responses.create(request)
    await run.metered.responses.retrieve(id)
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('a stream that was left goes on in the background and is billed when asked for', async () => {
    await using run = await startMetered(OpenAI)
    const { id, working, finished } = scripted()
    run.server.serve([
      { type: 'response.created', response: working },
      { type: 'response.output_text.delta', delta: 'x' },
      { type: 'response.completed', response: finished },
    ])
    run.server.serve(finished)
    for await (const { type } of await run.metered.responses.create({ ...request, stream: true })) {
      if (type === 'response.output_text.delta') break
    }
    expect(run.records).toEqual([])
    await run.metered.responses.retrieve(id)
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('created by another process: billed once, with the same id in every process', async () => {
    await using run = await startMetered(OpenAI)
    await using other = await startMetered(OpenAI)
    const { id, finished } = scripted()
    run.server.serve(finished)
    await run.metered.responses.retrieve(id)
    expect(run.records).toHaveLength(1)
    expect(run.records[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/)
    // Another process has not seen it: as if its memory were fresh, it derives the same id.
    expect(other.records).toEqual([])
  })

  test('a stored response that is looked up again bills nothing', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve({ ...finishedResponse, background: false })
    await run.metered.responses.retrieve('resp_stored')
    run.server.serve({ ...finishedResponse, background: true, created_at: 1_700_000_000 })
    await run.metered.responses.retrieve('resp_long_ago')
    expect(run.records).toEqual([])
  })

  test('asking again needs no customer, and is not refused', async () => {
    await using run = await startMetered(OpenAI, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    run.server.serve({ ...finishedResponse, background: false })
    await run.metered.responses.retrieve('resp_stored')
    expect(run.errors).toEqual([])
  })
})
