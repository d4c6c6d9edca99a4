import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const now = () => Math.floor(Date.now() / 1000)
let ids = 0
/** Jobs are remembered by the process, so each test has its own. */
const newId = (kind: string) => `${kind}_${ids++}`

const batchUsage = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 200 },
  output_tokens: 300,
  output_tokens_details: { reasoning_tokens: 30 },
  total_tokens: 1300,
}
const batchTokens = { input: 800, cachedInput: 200, cachedWrite: 0, output: 300 }

function batch(id: string, status: string, more: object = {}) {
  const counts = { completed: 3, failed: 0, total: 3 }
  return {
    id,
    object: 'batch',
    endpoint: '/v1/responses',
    model: 'gpt-5.4-2026-03-05',
    status,
    created_at: now(),
    request_counts: counts,
    ...more,
  }
}
const newBatch = {
  input_file_id: 'file_1',
  endpoint: '/v1/responses',
  completion_window: '24h',
} as const

describe.each(sdkMajors)('batches on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('are billed once, by their totals, to who created them, however often they are polled', async () => {
    await using run = await start()
    const id = newId('batch')
    run.server.serve(batch(id, 'validating'))
    run.server.serve(batch(id, 'in_progress'))
    const done = batch(id, 'completed', { usage: batchUsage, completed_at: now() })
    run.server.serve(done, { times: 3 })
    await run.metered.batches.create(newBatch)
    await run.metered.batches.retrieve(id)
    expect(run.records).toEqual([])
    await run.meter(run.raw, 'cus_poller').batches.retrieve(id)
    await run.metered.batches.retrieve(id)
    await run.metered.batches.cancel(id)
    expect(run.records).toMatchObject([
      {
        customer: 'cus_1',
        endpoint: 'batches',
        model: 'gpt-5.4-2026-03-05',
        serviceTier: 'batch',
        requests: 3,
        tokens: batchTokens,
        details: { reasoning: 30 },
        raw: batchUsage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('reading the output file bills nothing more', async () => {
    await using run = await start()
    const line = { custom_id: 'a', response: { body: { usage: batchUsage } } }
    run.server.serve(Buffer.from(JSON.stringify(line)), {
      headers: { 'content-type': 'application/octet-stream' },
    })
    await (await run.metered.files.content('file_1')).text()
    expect(run.records).toEqual([])
  })

  test.each(['cancelled', 'expired'])('%s: what was done is owed', async (status) => {
    await using run = await start()
    const id = newId('batch')
    run.server.serve(batch(id, 'validating'))
    run.server.serve(batch(id, status, { usage: batchUsage }))
    await run.metered.batches.create(newBatch)
    await run.metered.batches.retrieve(id)
    expect(run.records).toMatchObject([{ tokens: batchTokens }])
  })

  test('failed before it began: nothing', async () => {
    await using run = await start()
    const id = newId('batch')
    run.server.serve(batch(id, 'failed', { request_counts: { completed: 0, failed: 0, total: 0 } }))
    await run.metered.batches.retrieve(id)
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('finished without usage: reported, not invented', async () => {
    await using run = await start()
    const id = newId('batch')
    run.server.serve(batch(id, 'completed', { completed_at: now() }), { times: 2 })
    await run.metered.batches.retrieve(id)
    await run.metered.batches.retrieve(id)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('a finished batch has no usage'),
    ])
  })

  test("another process's: to who asks, within a day of its end, with an id of its own", async () => {
    await using run = await start()
    const id = newId('batch')
    run.server.serve(batch(id, 'completed', { usage: batchUsage, completed_at: now() }))
    await run.metered.batches.retrieve(id)
    expect(run.records).toHaveLength(1)
    expect(run.records[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/)
    const old = newId('batch')
    const ended = { usage: batchUsage, completed_at: now() - 100_000 }
    run.server.serve(batch(old, 'completed', ended))
    await run.metered.batches.retrieve(old)
    expect(run.records).toHaveLength(1)
  })
})

const runUsage = { prompt_tokens: 60, completion_tokens: 9, total_tokens: 69 }
const runTokens = { input: 60, cachedInput: 0, cachedWrite: 0, output: 9 }

function assistantRun(id: string, status: string, usage: object | null = null) {
  return {
    id,
    object: 'thread.run',
    status,
    usage,
    created_at: now(),
    thread_id: 'thread_1',
    model: 'gpt-4o',
    required_action: null,
    tools: [],
  }
}

/** Server-sent events as the Assistants API sends them: named, with the object as data. */
function runEvents(...events: [name: string, data: object][]): Buffer {
  const lines = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  return Buffer.from(`${lines.join('')}event: done\ndata: [DONE]\n\n`)
}
const sse = { headers: { 'content-type': 'text/event-stream' } }

describe.each(sdkMajors)('assistant runs on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)
  const request = { assistant_id: 'asst_1' }

  test.each(['createAndRunPoll', 'createAndPoll'] as const)('%s: one record', async (how) => {
    await using run = await start()
    const id = newId('run')
    run.server.serve(assistantRun(id, 'in_progress'))
    run.server.serve(assistantRun(id, 'completed', runUsage), { times: 2 })
    const { threads } = run.metered.beta
    await (how === 'createAndRunPoll'
      ? threads.createAndRunPoll(request)
      : threads.runs.createAndPoll('thread_1', request))
    await run.metered.get(`/threads/thread_1/runs/${id}`)
    expect(run.records).toMatchObject([
      {
        endpoint: 'threads.runs',
        model: 'gpt-4o',
        tokens: runTokens,
        requests: null,
        raw: runUsage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('streamed by the helper: the run, not its steps', async () => {
    await using run = await start()
    const id = newId('run')
    const step = { id: 'step_1', object: 'thread.run.step', status: 'completed', usage: runUsage }
    const body = runEvents(
      ['thread.run.created', assistantRun(id, 'queued')],
      ['thread.run.step.completed', { ...step, step_details: { type: 'x' } }],
      ['thread.run.completed', assistantRun(id, 'completed', runUsage)],
    )
    run.server.serve(body, sse)
    const stream = run.metered.beta.threads.runs.stream('thread_1', request)
    expect((await stream.finalRun()).id).toBe(id)
    expect(run.records).toMatchObject([{ tokens: runTokens, outcome: 'complete' }])
  })

  test('streamed, stopped for tools, and gone on with: one record', async () => {
    await using run = await start()
    const id = newId('run')
    const stopped = runEvents(
      ['thread.run.created', assistantRun(id, 'queued')],
      ['thread.run.requires_action', assistantRun(id, 'requires_action')],
    )
    const goneOn = runEvents(['thread.run.completed', assistantRun(id, 'completed', runUsage)])
    run.server.serve(stopped, sse)
    run.server.serve(goneOn, sse)
    const first = await run.metered.beta.threads.runs.create('thread_1', {
      ...request,
      stream: true,
    })
    for await (const _ of first);
    expect(run.records).toEqual([])
    const again = { body: { tool_outputs: [], stream: true }, stream: true } as never
    const path = `/threads/thread_1/runs/${id}/submit_tool_outputs`
    const second = (await run.metered.post(path, again)) as AsyncIterable<unknown>
    for await (const _ of second);
    expect(run.records).toMatchObject([{ tokens: runTokens, customer: 'cus_1' }])
    expect(run.errors).toEqual([])
  })

  test('a stream that is left is reported, and billed when the run is retrieved', async () => {
    await using run = await start()
    const id = newId('run')
    const body = runEvents(
      ['thread.run.created', assistantRun(id, 'queued')],
      ['thread.run.in_progress', assistantRun(id, 'in_progress')],
      ['thread.run.completed', assistantRun(id, 'completed', runUsage)],
    )
    run.server.serve(body, sse)
    run.server.serve(assistantRun(id, 'completed', runUsage))
    const stream = await run.metered.beta.threads.runs.create('thread_1', {
      ...request,
      stream: true,
    })
    let events = 0
    for await (const _ of stream) if (++events === 2) break
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('left before its end'),
    ])
    await run.metered.get(`/threads/thread_1/runs/${id}`)
    expect(run.records).toMatchObject([{ tokens: runTokens }])
  })

  test('a stream that ends after a step has not billed the step', async () => {
    await using run = await start()
    const id = newId('run')
    const step = { id: 'step_1', object: 'thread.run.step', status: 'completed', usage: runUsage }
    const message = { id: 'msg_1', object: 'thread.message', status: 'completed', content: [] }
    const body = runEvents(
      ['thread.run.in_progress', assistantRun(id, 'in_progress')],
      ['thread.message.completed', message],
      ['thread.run.step.completed', { ...step, model: 'gpt-4o', created_at: now() }],
    )
    run.server.serve(body, { ...sse, times: 2 })
    const streamed = { ...request, stream: true } as const
    for await (const _ of await run.metered.beta.threads.runs.create('thread_1', streamed));
    // Off the wire the events have no names.
    await (await run.metered.beta.threads.runs.create('thread_1', streamed).asResponse()).text()
    expect(run.records).toEqual([])
    expect(run.errors).toHaveLength(2)
  })

  test('a run that failed without usage owes nothing', async () => {
    await using run = await start()
    run.server.serve(assistantRun(newId('run'), 'failed'))
    await run.metered.beta.threads.runs.create('thread_1', request)
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })
})

describe.each(sdkMajors)('other jobs on openai $major', ({ major, OpenAI }) => {
  test('an eval run: a record for each model, once', async () => {
    await using run = await startMetered(OpenAI)
    const id = newId('evalrun')
    const usage = (model_name: string) => ({
      model_name,
      invocation_count: 2,
      prompt_tokens: 10,
      cached_tokens: 4,
      completion_tokens: 5,
      total_tokens: 15,
    })
    const evalRun = { id, object: 'eval.run', created_at: now(), status: 'queued' }
    run.server.serve({ ...evalRun, per_model_usage: null })
    const done = { ...evalRun, status: 'completed', per_model_usage: [usage('b'), usage('a')] }
    run.server.serve(done, { times: 2 })
    await run.metered.post('/evals/eval_1/runs', { body: {} })
    await run.metered.get(`/evals/eval_1/runs/${id}`)
    await run.metered.get(`/evals/eval_1/runs/${id}`)
    const tokens = { input: 6, cachedInput: 4, cachedWrite: 0, output: 5 }
    expect(run.records).toMatchObject([
      { endpoint: 'evals.runs', model: 'a', tokens, requests: 2 },
      { model: 'b', tokens, requests: 2 },
    ])
    expect(new Set(run.records.map((record) => record.id)).size).toBe(2)
  })

  test.skipIf(major < 6)(
    'a video: seconds, when it is done, if it was asked for here',
    async () => {
      await using run = await startMetered(OpenAI)
      const id = newId('video')
      const video = { id, object: 'video', model: 'sora-2', seconds: '8', status: 'queued' }
      run.server.serve(video)
      run.server.serve({ ...video, status: 'completed' }, { times: 2 })
      await run.metered.videos.create({ model: 'sora-2', prompt: 'x', seconds: '8' })
      await run.metered.videos.retrieve(id)
      await run.metered.videos.retrieve(id)
      expect(run.records).toMatchObject([
        { endpoint: 'videos', model: 'sora-2', details: { seconds: 8 }, tokens: { output: 0 } },
      ])
      run.server.serve({ ...video, id: newId('video'), status: 'completed' })
      await run.metered.videos.retrieve('video_of_another_process')
      expect(run.records).toHaveLength(1)
      expect(run.errors).toEqual([])
    },
  )
})
