import Together from 'together-ai'
import { describe, expect, test } from 'vitest'
import { drain, startRelative, tokens } from './relatives.ts'

const together = { newClient: (options: object) => new Together(options), base: '/v1' }

describe('Together', () => {
  test('rankings are the input that was ranked', async () => {
    await using run = await startRelative(together)
    const ranked = { object: 'rerank', id: 'rr_1', model: 'Salesforce/Llama-Rank-v1', results: [] }
    run.server.serve({
      ...ranked,
      usage: { prompt_tokens: 41, completion_tokens: 0, total_tokens: 41 },
    })
    run.server.serve({ ...ranked, usage: null })
    const asked = {
      model: 'Salesforce/Llama-Rank-v1',
      query: 'capital?',
      documents: ['Paris', 'Rome'],
    }
    await run.metered.rerank.create(asked)
    await run.metered.rerank.create(asked)
    expect(run.records).toMatchObject([
      {
        provider: 'together',
        endpoint: 'rerank',
        tokens: tokens(41, 0, 0, 0),
        outcome: 'complete',
      },
      { endpoint: 'rerank', outcome: 'estimated', details: { estimated: ['input'] } },
    ])
    expect(run.errors).toMatchObject([{ code: 'usage' }])
  })

  test('images by piece, sound by its seconds, speech by its characters, streamed too', async () => {
    await using run = await startRelative(together)
    const model = 'black-forest-labs/FLUX.1-schnell'
    run.server.serve({
      id: 'img',
      model,
      object: 'list',
      data: [
        { index: 0, url: 'u' },
        { index: 1, url: 'v' },
      ],
    })
    await run.metered.images.generate({ model, prompt: 'cat', n: 2 })
    run.server.serve({ duration: 61, language: 'en', text: 'Hi', task: 'transcribe', segments: [] })
    const file = new File(['x'], 'a.mp3')
    await run.metered.audio.transcriptions.create({ file, response_format: 'verbose_json' })
    const part = { object: 'audio.tts.chunk', model: 'cartesia/sonic', b64: 'QUJD'.repeat(400) }
    run.server.serve([part, { ...part, delta: 'QUJD' }] as never)
    const spoken = { model: 'cartesia/sonic' as const, input: 'Hello', voice: 'x' }
    const stream = await run.metered.audio.speech.create({ ...spoken, stream: true } as never)
    await drain(stream as unknown as AsyncIterable<unknown>)
    expect(run.records).toMatchObject([
      { endpoint: 'images.generations', model, details: { images: 2 }, tokens: tokens(0, 0, 0, 0) },
      { endpoint: 'audio.transcriptions', details: { seconds: 61 } },
      {
        endpoint: 'audio.speech',
        model: 'cartesia/sonic',
        details: { characters: 5 },
        tokens: tokens(0, 0, 0, 0),
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('a video once it is done, with the seconds of it and what was charged', async () => {
    await using run = await startRelative(together)
    const video = {
      id: 'vid_1',
      object: 'video',
      model: 'minimax/hailuo-02',
      created_at: 1,
      size: '720p',
      seconds: '6',
    }
    run.server.serve({ ...video, status: 'in_progress' }, { times: 2 })
    run.server.serve(
      { ...video, status: 'completed', outputs: { cost: 0.28, video_url: 'https://x' } },
      { times: 2 },
    )
    await run.metered.videos.create({ model: 'minimax/hailuo-02', prompt: 'cat' })
    for (let poll = 0; poll < 3; poll++) await run.metered.videos.retrieve('vid_1')
    expect(run.records).toMatchObject([
      {
        provider: 'together',
        endpoint: 'videos',
        model: 'minimax/hailuo-02',
        details: { seconds: 6, providerCostUsd: 0.28 },
        cost: { source: 'reported' },
      },
    ])
    expect(JSON.stringify(run.records)).not.toContain('https://x')
  })

  test('what no answer tells is told once: batches, evaluations, fine-tuning, code sessions', async () => {
    await using run = await startRelative(together)
    run.server.serve({ job: { id: 'b', status: 'VALIDATING' } }, { times: 9 })
    for (let time = 0; time < 2; time++) {
      await run.metered.batches.create({ endpoint: '/v1/chat/completions', input_file_id: 'f' })
      await run.metered.evals.create({ type: 'classify', parameters: {} as never })
      await run.metered.fineTuning.create({ model: 'm', training_file: 'f' })
      await run.metered.codeInterpreter.execute({ code: 'print(1)', language: 'python' })
    }
    run.server.serve({ id: 'b', status: 'COMPLETED', output_file_id: 'o' }, { times: 2 })
    await run.metered.batches.retrieve('b')
    expect(run.records).toEqual([])
    const told = run.errors.map(({ message }) => message.split(' work,')[0])
    expect(told).toEqual([
      "Together's batches",
      "Together's evaluations",
      "Together's fine-tuning jobs",
      "Together's code interpreter sessions",
    ])
  })
})
