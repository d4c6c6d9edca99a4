import { describe, expect, test } from 'vitest'
import { watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { type Metered, sdkMajors, startMetered } from './metered.ts'

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
const asStream = { headers: { 'content-type': 'text/event-stream' } }
const sse = (events: readonly { type: string }[]) =>
  Buffer.from(
    events.map((data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`).join(''),
  )
const usage = (prompt_tokens: number, completion_tokens: number) => ({
  prompt_tokens,
  completion_tokens,
  total_tokens: prompt_tokens + completion_tokens,
})
const completion = (given: object) => ({
  id: 'cmpl_1',
  object: 'chat.completion',
  created: 1,
  model: 'mistral-small-2506',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: given,
})
const messages = [{ role: 'user' as const, content: 'Hi' }]
const model = 'mistral-small-latest'

describe.each(sdkMajors)('@mistralai/mistralai $major', ({ major, Mistral }) => {
  const document = { type: 'document_url' as const, documentUrl: 'https://example.com/a.pdf' }
  const ocr = ({ metered }: Metered) =>
    metered.ocr.process({ model: 'mistral-ocr-latest', document })
  const page = (index: number) => ({ index, markdown: '# Hi', images: [], dimensions: null })

  test('a document is billed by the pages processed', async () => {
    await using run = await startMetered(Mistral)
    const answer = { model: 'mistral-ocr-2505', pages: [page(0)] }
    run.server.serve({ ...answer, usage_info: { pages_processed: 29, doc_size_bytes: 3_002_783 } })
    await ocr(run)
    expect(run.records).toEqual([
      expect.objectContaining({
        provider: 'mistral',
        endpoint: 'ocr',
        model: 'mistral-ocr-2505',
        requestedModel: 'mistral-ocr-latest',
        tokens: none,
        details: { pages: 29 },
        outcome: 'complete',
        raw: { pages_processed: 29, doc_size_bytes: 3_002_783 },
      }),
    ])
    expect(run.errors).toEqual([])
    run.server.serve({ ...answer, usage_info: { pages_processed: -1, doc_size_bytes: null } })
    await ocr(run).catch(() => {})
    expect(run.records[1]).toMatchObject({ details: { pages: 1 } })
    expect(run.errors.map(({ message }) => message).join()).toMatch(/1 of the answer are counted/)
  })

  test('connectors: the built-in ones, those of the application, and the premium search', async () => {
    await using run = await startMetered(Mistral)
    const connectors = {
      web_search: 2,
      web_search_premium: 1,
      code_interpreter: 3,
      image_generation: 1,
      document_library: 4,
      my_crm: 5,
      my_wiki: 1,
    }
    run.server.serve({
      object: 'conversation.response',
      conversation_id: 'conv_1',
      outputs: [],
      usage: { ...usage(100, 10), connector_tokens: 40, total_tokens: 150, connectors },
    })
    await run.metered.beta.conversations.start({ model, inputs: 'news?' })
    expect(run.records).toMatchObject([
      {
        tokens: { input: 140, cachedInput: 0, cachedWrite: 0, output: 10 },
        details: {
          webSearchRequests: 3,
          codeExecutionCalls: 3,
          imageGenerationCalls: 1,
          fileSearchCalls: 4,
          mcpCalls: 6,
        },
        raw: { connectors },
      },
    ])
  })

  test('the service tier stands in the usage, whole and streamed', async () => {
    await using run = await startMetered(Mistral)
    const given = { ...usage(5, 2), service_tier: 'priority' }
    run.server.serve(completion(given))
    const last = { index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }
    const chunk = {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [last],
    }
    run.server.serve(
      Buffer.from(`data: ${JSON.stringify({ ...chunk, usage: given })}\n\ndata: [DONE]\n\n`),
      asStream,
    )
    await run.metered.chat.complete({ model, messages })
    for await (const _ of await run.metered.chat.stream({ model, messages }));
    expect(run.records.map(({ serviceTier }) => serviceTier)).toEqual(['priority', 'priority'])
  })

  test('a transcription that streams says its seconds last, and its segments are no second text', async () => {
    await using run = await startMetered(Mistral)
    const text = { type: 'transcription.text.delta', text: 'Hello there' }
    const segment = { type: 'transcription.segment', text: 'Hello there', start: 0, end: 1 }
    const done = { type: 'transcription.done', model: 'voxtral-mini-2507', text: 'Hello there' }
    const said = { ...usage(375, 5), prompt_audio_seconds: 203 }
    const ask = async () => {
      const stream = await run.metered.audio.transcriptions.stream({
        model: 'voxtral-mini-latest',
        fileUrl: 'https://example.com/a.mp3',
      })
      for await (const _ of stream);
    }
    run.server.serve(
      sse([text, segment, { ...done, language: 'en', usage: said } as never]),
      asStream,
    )
    run.server.serve(sse([text, segment]), asStream)
    run.server.serve(sse([text]), asStream)
    for (let time = 0; time < 3; time++) await ask()
    expect(run.records[0]).toMatchObject({
      endpoint: 'audio.transcriptions',
      model: 'voxtral-mini-2507',
      tokens: { input: 375, cachedInput: 0, cachedWrite: 0, output: 5 },
      details: { seconds: 203 },
    })
    expect(run.records[1]?.tokens.output).toBe(run.records[2]?.tokens.output)
  })

  if (major === 2) {
    test('speech is billed by the characters of its text, and a stream says its tokens too', async () => {
      await using run = await startMetered(Mistral)
      run.server.serve({ audio_data: 'QUJD'.repeat(1000) })
      await run.metered.audio.speech.complete({ model: 'voxtral-tts', input: 'Hällo 🙂' })
      const delta = { type: 'speech.audio.delta', audio_data: 'QUJD'.repeat(1000) }
      const done = { type: 'speech.audio.done', usage: usage(9, 120) }
      for (const events of [[delta, done], [delta]]) {
        run.server.serve(sse(events), asStream)
        const asked = { model: 'voxtral-tts', input: 'Hi', stream: true }
        const stream = await run.metered.audio.speech.complete(asked)
        for await (const _ of stream as unknown as AsyncIterable<unknown>);
      }
      expect(run.records).toMatchObject([
        {
          endpoint: 'audio.speech',
          requestedModel: 'voxtral-tts',
          tokens: none,
          details: { characters: 7 },
        },
        { tokens: { ...none, input: 9, output: 120 }, details: { characters: 2 } },
        { tokens: none, details: { characters: 2 } },
      ])
      expect(run.errors).toEqual([])
    })
  }

  const job = {
    id: `job_${major}`,
    object: 'batch',
    input_files: [],
    endpoint: '/v1/chat/completions',
    model,
    errors: [],
    created_at: 1,
    total_requests: 3,
    completed_requests: 3,
    succeeded_requests: 2,
    failed_requests: 1,
  }

  test('a batch job with its answers: each once, to who created it', async () => {
    await using run = await startMetered(Mistral)
    const outputs = [
      { custom_id: '0', response: { status_code: 200, body: completion(usage(10, 3)) } },
      { custom_id: '1', response: { status_code: 422, body: { message: 'no' } } },
      { custom_id: '2', response: { status_code: 200, body: completion(usage(20, 4)) } },
    ]
    run.server.serve({ ...job, status: 'QUEUED' })
    run.server.serve({ ...job, status: 'RUNNING' })
    run.server.serve({ ...job, status: 'SUCCESS', outputs }, { times: 2 })
    const requests = [{ customId: '0', body: { messages } }]
    await run.metered.batch.jobs.create({
      endpoint: '/v1/chat/completions',
      model,
      requests,
    } as never)
    const other = run.meter(run.raw, 'cus_other')
    for (let poll = 0; poll < 3; poll++) {
      await other.batch.jobs.get({ jobId: job.id, inline: true } as never)
    }
    const common = { customer: 'cus_1', endpoint: 'batch.jobs', serviceTier: 'batch' }
    const answered = {
      ...common,
      provider: 'mistral',
      model: 'mistral-small-2506',
      responseId: 'cmpl_1',
    }
    expect(run.records).toMatchObject([
      { ...answered, tokens: { ...none, input: 10, output: 3 } },
      { ...answered, tokens: { ...none, input: 20, output: 4 } },
    ])
    expect(run.errors).toEqual([])
  })

  test('what is held for a batch job stays until its answers are seen, and is settled by them', async () => {
    const [guard, outbox] = [watchedGuard(), watchedOutbox()]
    await using run = await startMetered(Mistral, { guard, outbox })
    const held = { ...job, id: `job_held_${major}` }
    const outputs = [{ response: { status_code: 200, body: completion(usage(10, 3)) } }]
    run.server.serve({ ...held, status: 'QUEUED' })
    run.server.serve({ ...held, status: 'SUCCESS', outputs })
    await run.metered.batch.jobs.create({
      endpoint: '/v1/chat/completions',
      model,
      requests: [{ body: { messages, max_tokens: 20 } }],
    } as never)
    expect(guard.ends).toEqual([[expect.stringMatching(/^kept .*job_held/)]])
    expect(guard.asked[0]?.bounds()).toMatchObject({ maxOutput: 20, jobForMs: 86_400_000 })
    await run.metered.batch.jobs.get({ jobId: held.id, inline: true } as never)
    expect(outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(guard.endedJobs).toEqual([])
  })

  test('a batch job that is done and does not show its answers is told, and billed when it does', async () => {
    await using run = await startMetered(Mistral)
    const done = { ...job, id: `job_later_${major}`, status: 'SUCCESS' }
    run.server.serve({ ...done, status: 'QUEUED' })
    run.server.serve(done)
    const body = completion(usage(10, 3))
    run.server.serve({ ...done, outputs: [{ response: { status_code: 200, body } }] })
    const requests = [{ body: { messages } }]
    await run.metered.batch.jobs.create({
      endpoint: '/v1/chat/completions',
      model,
      requests,
    } as never)
    for (let poll = 0; poll < 2; poll++) {
      await run.metered.batch.jobs.get({ jobId: done.id } as never)
      if (poll === 0) expect(run.records).toEqual([])
    }
    expect(run.records).toMatchObject([{ tokens: { ...none, input: 10, output: 3 } }])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('inline: true') as string,
    ])
  })

  test('what no answer tells is told, once in a process', async () => {
    await using run = await startMetered(Mistral)
    const file = new File(['x'], 'a.txt')
    const libraryId = '11111111-1111-4111-8111-111111111111'
    for (let time = 0; time < 2; time++) {
      run.server.serve({ ...job, status: 'QUEUED' }, { times: 2 })
      const asked = { endpoint: '/v1/chat/completions' as const, model, inputFiles: [libraryId] }
      await run.metered.batch.jobs.create(asked)
      await run.metered.beta.libraries.documents
        .upload({ libraryId, requestBody: { file } } as never)
        .catch(() => {})
    }
    expect(run.records).toEqual([])
    const told = run.errors.map(({ message }) => message)
    // The other major may have been first.
    expect(told.length).toBeLessThanOrEqual(2)
    for (const message of told)
      expect(message).toMatch(/batch jobs of files|documents of libraries/)
  })
})
