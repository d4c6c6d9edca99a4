import { describe, expect, test } from 'vitest'
import { watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { type Metered, sdkMajors, startMetered } from './metered.ts'

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
const created = new Date(Date.now() - 60_000).toISOString()
const before = new Date(Date.now() - 3 * 24 * 60 * 60 * 1000).toISOString()

let jobs = 0
/** What one process remembers of a job must not meet another test's. */
const newId = () => `job_${jobs++}`

const embedJob = (job_id: string, more: object = {}) => ({
  job_id,
  status: 'complete',
  created_at: created,
  input_dataset_id: 'in',
  output_dataset_id: 'out',
  model: 'embed-english-v3.0',
  truncate: 'END',
  meta: { api_version: { version: '1' }, billed_units: { input_tokens: 2_500_000_000 } },
  ...more,
})
const batch = (id: string, more: object = {}) => ({
  id,
  name: 'nightly',
  status: 'BATCH_STATUS_COMPLETED',
  created_at: created,
  updated_at: created,
  input_dataset_id: 'in',
  output_dataset_id: 'out',
  input_tokens: '120000',
  output_tokens: '4500',
  model: 'command-a-03-2025',
  num_records: 300,
  num_successful_records: 298,
  num_failed_records: 2,
  ...more,
})

async function createEmbedJob({ server, meteredV2 }: Metered, job_id: string): Promise<void> {
  server.serve({ job_id, meta: { api_version: { version: '1' } } } as never)
  await meteredV2.embedJobs.create({
    model: 'embed-english-v3.0',
    datasetId: 'in',
    inputType: 'search_document',
  })
}

async function createBatch({ server, metered }: Metered, id: string): Promise<void> {
  const pending = batch(id, {
    status: 'BATCH_STATUS_QUEUED',
    input_tokens: '0',
    output_tokens: '0',
  })
  server.serve({ batch: pending } as never)
  await metered.batches.create({
    name: 'nightly',
    inputDatasetId: 'in',
    model: 'command-a-03-2025',
  })
}

describe.each(sdkMajors)('jobs of cohere-ai $major', (sdk) => {
  test('an embed job is billed once, when it is seen finished, to who created it', async () => {
    await using run = await startMetered(sdk)
    const { server, meter, raw, meteredV2, records, errors } = run
    const job_id = newId()
    await createEmbedJob(run, job_id)
    server.serve(embedJob(job_id, { status: 'processing', meta: undefined }) as never)
    await meteredV2.embedJobs.get(job_id)
    expect(records).toEqual([])
    const other = meter(raw, 'cus_other')
    server.serve({ embed_jobs: [embedJob(job_id)] } as never)
    await other.embedJobs.list()
    server.serve(embedJob(job_id) as never, { times: 2 })
    await other.embedJobs.get(job_id)
    await meteredV2.embedJobs.get(job_id)
    expect(errors).toEqual([])
    expect(records).toEqual([
      expect.objectContaining({
        customer: 'cus_1',
        provider: 'cohere',
        endpoint: 'embedJobs',
        model: 'embed-english-v3.0',
        tokens: { ...none, input: 2_500_000_000 },
        outcome: 'complete',
        requests: null,
        responseId: job_id,
        raw: { billed_units: { input_tokens: 2_500_000_000 } },
      }),
    ])
  })

  test('what is held for a job stays until it is seen finished, and is settled by its record', async () => {
    const [guard, outbox] = [watchedGuard(), watchedOutbox()]
    await using run = await startMetered(sdk, { guard, outbox })
    const [done, failed] = [newId(), newId()]
    await createEmbedJob(run, done)
    await createEmbedJob(run, failed)
    expect(guard.ends.map((ends) => ends.length)).toEqual([1, 1])
    run.server.serve(embedJob(done) as never)
    await run.meteredV2.embedJobs.get(done)
    run.server.serve(embedJob(failed, { status: 'failed', meta: undefined }) as never)
    await run.meteredV2.embedJobs.get(failed)
    expect(outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    // It used nothing: what is held for it is given back.
    expect([...new Set(guard.endedJobs)]).toEqual([expect.stringContaining(failed)])
  })

  test('a batch is billed by its totals, in a tier of its own', async () => {
    await using run = await startMetered(sdk)
    const { server, metered, records, errors } = run
    const id = newId()
    await createBatch(run, id)
    server.serve({ batch: batch(id) } as never, { times: 2 })
    await metered.batches.retrieve(id)
    await metered.batches.retrieve(id)
    expect(errors).toEqual([])
    expect(records).toEqual([
      expect.objectContaining({
        customer: 'cus_1',
        endpoint: 'batches',
        model: 'command-a-03-2025',
        tokens: { ...none, input: 120_000, output: 4500 },
        serviceTier: 'batch',
        requests: 298,
        responseId: id,
        raw: { input_tokens: '120000', output_tokens: '4500' },
      }),
    ])
  })

  test('a job of another process is billed to who asks, if it is recent, under the same id', async () => {
    const id = newId()
    const ids: string[] = []
    await using run = await startMetered(sdk)
    const { server, metered, meter, raw, records } = run
    server.serve({ batches: [batch(id), batch(newId(), { updated_at: before })] } as never)
    await metered.batches.list()
    expect(records).toMatchObject([{ customer: 'cus_1', responseId: id }])
    ids.push(records[0]!.id)
    // The id says what the record is of, whoever makes it.
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
    server.serve({ batch: batch(id) } as never)
    await meter(raw, 'cus_2').batches.retrieve(id)
    expect(records).toHaveLength(1)
  })

  test('a job that ended without saying what it used is told; one that failed uses nothing', async () => {
    await using run = await startMetered(sdk)
    const { server, metered, meteredV2, records, errors } = run
    const [job_id, failed] = [newId(), newId()]
    await createEmbedJob(run, job_id)
    server.serve(embedJob(job_id, { meta: { api_version: { version: '1' } } }) as never, {
      times: 2,
    })
    await meteredV2.embedJobs.get(job_id)
    await meteredV2.embedJobs.get(job_id)
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/embed job of Cohere ended without saying what it used/),
    ])
    await createBatch(run, failed)
    const more = {
      status: 'BATCH_STATUS_FAILED',
      input_tokens: undefined,
      output_tokens: undefined,
    }
    server.serve({ batch: batch(failed, more) } as never)
    await metered.batches.retrieve(failed)
    expect(records).toEqual([])
    expect(errors).toHaveLength(1)
  })
})
