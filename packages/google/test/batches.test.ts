import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { startMetered } from './metered.ts'
import { contentAnswer, countedTokens, model, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const expected = {
  endpoint: 'batches',
  model: 'gemini-3-flash-001',
  serviceTier: 'batch',
  tokens: countedTokens,
}
const src = [{ contents: request.contents }]

describe.each(sdkMajors)('batches of genai $major', ({ major, GoogleGenAI }) => {
  const job = (name: string, state: string, output?: object) => ({
    name: `batches/${name}-${major}`,
    metadata: {
      model: `models/${model}`,
      state: `BATCH_STATE_${state}`,
      ...(output && { output }),
    },
    done: output !== undefined,
  })

  test('answers inside the job: each once, however often and wherever it is seen', async () => {
    await using run = await startMetered(GoogleGenAI)
    const answers = [
      { response: contentAnswer },
      { error: { code: 3 } },
      { response: contentAnswer },
    ]
    const finished = job('inlined', 'SUCCEEDED', {
      inlinedResponses: { inlinedResponses: answers },
    })
    run.server.serve(job('inlined', 'PENDING'), { times: 2 })
    run.server.serve(finished, { times: 2 })
    run.server.serve({ operations: [finished] })
    const other = run.meter(run.raw, 'cus_poller')
    const created = await run.metered.batches.create({ model, src })
    const name = String(created.name)
    for (let poll = 0; poll < 3; poll++) await other.batches.get({ name })
    await run.metered.batches.list()
    expect(run.records).toMatchObject([
      { ...expected, customer: 'cus_1' },
      { ...expected, customer: 'cus_1' },
    ])
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(2)
    expect(run.errors).toEqual([])
  })

  test('what is held for a job stays until its answers are seen, and is settled by them', async () => {
    const [guard, outbox] = [watchedGuard(), watchedOutbox()]
    await using run = await startMetered(GoogleGenAI, { guard, outbox })
    const output = { inlinedResponses: { inlinedResponses: [{ response: contentAnswer }] } }
    run.server.serve(job('held', 'PENDING'))
    run.server.serve(job('held', 'RUNNING'))
    run.server.serve(job('held', 'SUCCEEDED', output))
    run.server.serve(job('broken', 'PENDING'))
    run.server.serve(job('broken', 'FAILED'))
    const { name } = await run.metered.batches.create({ model, src })
    expect(guard.asked[0]?.bounds()).toMatchObject({ answers: 1, beyond: [] })
    await run.metered.batches.get({ name: String(name) })
    expect(guard.ends).toEqual([[expect.stringMatching(/^kept .*held/)]])
    await run.metered.batches.get({ name: String(name) })
    expect(outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(guard.endedJobs).toEqual([])
    const broken = await run.metered.batches.create({ model, src })
    await run.metered.batches.get({ name: String(broken.name) })
    // It used nothing: what is held for it is given back.
    expect(guard.endedJobs).toEqual([expect.stringContaining('broken')])
    expect(run.records).toHaveLength(1)
  })

  test('answers in a file: counted as it is downloaded, once, and byte for byte the same', async () => {
    await using run = await startMetered(GoogleGenAI)
    const file = `files/batch-out-${major}`
    run.server.serve(job('file', 'PENDING'))
    run.server.serve(job('file', 'SUCCEEDED', { responsesFile: file }))
    const lines = [
      { key: 'a', response: contentAnswer },
      { key: 'b', response: { ...contentAnswer, note: '\u00e4\u{1F600}' } },
      { key: 'c', error: { code: 3 } },
    ]
    const text = lines.map((line) => JSON.stringify(line)).join('\n')
    run.server.serve(new TextEncoder().encode(text), { times: 2 })
    const created = await run.metered.batches.create({ model, src })
    const finished = await run.metered.batches.get({ name: String(created.name) })
    expect(run.records).toEqual([])
    const downloadPath = join(tmpdir(), `token-meter-${process.pid}-${major}.jsonl`)
    for (let download = 0; download < 2; download++) {
      await run.metered.files.download({ file: String(finished.dest?.fileName), downloadPath })
      expect(await readFile(downloadPath, 'utf8')).toBe(text)
    }
    await rm(downloadPath)
    expect(run.records).toMatchObject([expected, expected])
  })

  test('embeddings', async () => {
    await using run = await startMetered(GoogleGenAI)
    const answers = [{ response: { embedding: { values: [1] }, tokenCount: '9' } }]
    const inlined = { inlinedEmbedContentResponses: { inlinedResponses: answers } }
    run.server.serve(job('embeds', 'PENDING'))
    run.server.serve(job('embeds', 'SUCCEEDED', inlined))
    const created = await run.metered.batches.createEmbeddings({
      model: 'gemini-embedding-001',
      src: { inlinedRequests: { contents: ['x'] } },
    })
    await run.metered.batches.get({ name: String(created.name) })
    expect(run.records).toMatchObject([{ endpoint: 'batches', tokens: { input: 9, output: 0 } }])
  })

  test("another file is nobody's business", async () => {
    await using run = await startMetered(GoogleGenAI)
    run.server.serve(new TextEncoder().encode(JSON.stringify({ response: contentAnswer })))
    const downloadPath = join(tmpdir(), `token-meter-other-${process.pid}-${major}`)
    await run.metered.files.download({ file: 'files/mine', downloadPath })
    await rm(downloadPath)
    expect(run.records).toEqual([])
  })
})
