import { RefusedError, refuses } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { startGuarded as start } from './guarded.ts'
import { finishedResponse, queuedResponse } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

let jobs = 0
const now = () => Math.floor(Date.now() / 1000)

/** A batch as the API shows it; jobs are remembered by the process, so each test has its own. */
function batch(id: string, status: string, more: object = {}) {
  const counts = { completed: 3, failed: 0, total: 3 }
  const common = { id, object: 'batch', endpoint: '/v1/responses', created_at: now() }
  return { ...common, model: 'gpt-5.4', status, request_counts: counts, ...more }
}
const usage = { input_tokens: 1000, output_tokens: 300, total_tokens: 1300 }
const newBatch = {
  input_file_id: 'file_1',
  endpoint: '/v1/responses',
  completion_window: '24h',
} as const

describe.each(sdkMajors)('jobs under a guard on openai $major', ({ OpenAI }) => {
  test('what is held for a batch is kept under its name, and settled by whoever sees it finished', async () => {
    await using run = await start(OpenAI)
    const id = `batch_held_${jobs++}`
    run.server.serve(batch(id, 'validating'))
    run.server.serve(batch(id, 'in_progress'))
    run.server.serve(batch(id, 'completed', { usage, completed_at: now() }), { times: 2 })
    await run.metered.batches.create(newBatch)
    const name = `openai batches ["openai","${id}"]`
    expect(run.guard.ends).toEqual([[`kept ${name}`]])
    expect(run.guard.holds[0]?.keptForMs).toBe(25 * 60 * 60 * 1000)
    await run.metered.batches.retrieve(id)
    expect(run.outbox.appends).toEqual([])
    await run.meter(run.newClient(), 'cus_poller').batches.retrieve(id)
    await run.metered.batches.retrieve(id)
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(run.records).toMatchObject([{ customer: 'cus_1' }])
    expect(run.guard.asked).toHaveLength(1)
    expect(run.guard.endedJobs).toEqual([])
  })

  test('one that another process has created is settled by its name', async () => {
    await using run = await start(OpenAI)
    const id = `batch_elsewhere_${jobs++}`
    run.server.serve(batch(id, 'completed', { usage, completed_at: now() }))
    await run.metered.batches.retrieve(id)
    const holdIds = [`job:openai batches ["openai","${id}"]`]
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds }])
    expect(run.guard.asked).toEqual([])
  })

  test.each(['here', 'elsewhere'])(
    'a batch that has failed, created %s, gives back what is held',
    async (where) => {
      await using run = await start(OpenAI)
      const id = `batch_failed_${jobs++}`
      if (where === 'here') {
        run.server.serve(batch(id, 'validating'))
        await run.metered.batches.create(newBatch)
      }
      const none = { completed: 0, failed: 3, total: 3 }
      run.server.serve(batch(id, 'failed', { request_counts: none, failed_at: now() }), {
        times: 2,
      })
      await run.metered.batches.retrieve(id)
      await run.metered.batches.retrieve(id)
      expect(run.guard.endedJobs).toEqual([`openai batches ["openai","${id}"]`])
      expect(run.outbox.appends).toEqual([])
    },
  )

  test('a background response is held from its creation to its end', async () => {
    await using run = await start(OpenAI)
    const id = `resp_held_${jobs++}`
    run.server.serve({ ...queuedResponse, id })
    run.server.serve({ ...queuedResponse, id, status: 'in_progress' })
    run.server.serve({ ...finishedResponse, background: true, id })
    await run.metered.responses.create({ model: 'gpt-5.4', input: 'hi', background: true })
    expect(run.guard.ends).toEqual([[`kept openai responses ${id}`]])
    await run.metered.responses.retrieve(id)
    await run.metered.responses.retrieve(id)
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
  })

  test('a job that is refused is not created', async () => {
    await using run = await start(OpenAI, refuses)
    await expect(run.metered.batches.create(newBatch)).rejects.toThrow(RefusedError)
    expect(run.server.requests).toEqual([])
  })
})
