import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const file = () => new File(['mp3'], 'a.mp3', { type: 'audio/mpeg' })
const usage = {
  type: 'tokens',
  input_tokens: 140,
  input_token_details: { text_tokens: 10, audio_tokens: 130 },
  output_tokens: 40,
  total_tokens: 180,
}
const counted = { input: 140, cachedInput: 0, cachedWrite: 0, output: 40 }
const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
const plain = { headers: { 'content-type': 'text/plain; charset=utf-8' } }
const sse = { headers: { 'content-type': 'text/event-stream' } }

describe.each(sdkMajors)('audio on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)
  const model = 'gpt-4o-transcribe'

  test('a transcription that is billed by tokens', async () => {
    await using run = await start()
    run.server.serve({ text: 'hello', usage })
    await run.metered.audio.transcriptions.create({ file: file(), model })
    expect(run.records).toMatchObject([
      {
        endpoint: 'audio.transcriptions',
        model,
        tokens: counted,
        details: { audioInput: 130 },
        outcome: 'complete',
        raw: usage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test.each([
    ['by its usage', { text: 'hello', usage: { type: 'duration', seconds: 7.5 } }, 7.5],
    ['by the verbose form', { text: 'hello', duration: 9.25, segments: [] }, 9.25],
    ['as text', { text: 'hello', duration: '4.5' }, 4.5],
  ])('a transcription that is billed by its length: %s', async (_, body, seconds) => {
    await using run = await start()
    run.server.serve(body)
    await run.metered.audio.transcriptions.create({ file: file(), model: 'whisper-1' })
    expect(run.records).toMatchObject([
      { model: 'whisper-1', tokens: none, details: { seconds }, outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test.each(['parsed', 'raw'])(
    'an answer as plain text, %s: the model, and a flag',
    async (how) => {
      await using run = await start()
      run.server.serve(Buffer.from('hello there, this is a transcription'), plain)
      const promise = run.metered.audio.transcriptions.create({
        file: file(),
        model: 'whisper-1',
        response_format: 'text',
      })
      const read = how === 'raw' ? await (await promise.asResponse()).text() : await promise
      expect(read).toBe('hello there, this is a transcription')
      expect(run.records).toMatchObject([
        { model: 'whisper-1', outcome: 'estimated', details: { estimated: ['input', 'output'] } },
      ])
      expect(run.errors).toHaveLength(1)
    },
  )

  test('a streamed transcription', async () => {
    await using run = await start()
    run.server.serve([
      { type: 'transcript.text.delta', delta: 'hel' },
      { type: 'transcript.text.delta', delta: 'lo' },
      { type: 'transcript.text.done', text: 'hello', usage },
    ])
    const stream = await run.metered.audio.transcriptions.create({
      file: file(),
      model,
      stream: true,
    })
    let events = 0
    for await (const _ of stream) events++
    expect(events).toBe(3)
    expect(run.records).toMatchObject([{ model, tokens: counted, outcome: 'complete' }])
  })

  test('a streamed transcription that is left', async () => {
    await using run = await start()
    const delta = { type: 'transcript.text.delta', delta: 'some words here' }
    run.server.serve([delta, delta, delta, { type: 'transcript.text.done', usage }], { gapMs: 20 })
    const request = { file: file(), model, stream: true } as const
    for await (const _ of await run.metered.audio.transcriptions.create(request)) break
    expect(run.records).toMatchObject([{ model, outcome: 'estimated' }])
    expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
  })

  test('a translation tells its length in the verbose form alone', async () => {
    await using run = await start()
    run.server.serve({ text: 'hello', duration: 12 })
    run.server.serve({ text: 'hello to all of you' })
    await run.metered.audio.translations.create({ file: file(), model: 'whisper-1' })
    await run.metered.audio.translations.create({ file: file(), model: 'whisper-1' })
    expect(run.records).toMatchObject([
      { endpoint: 'audio.translations', tokens: none, details: { seconds: 12 } },
      { model: 'whisper-1', outcome: 'estimated' },
    ])
  })

  const speech = { model: 'tts-1', voice: 'alloy', input: 'Grüße, 漢字 🎉' } as const
  const audio = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0xc3, 0x28])
  const mp3 = { headers: { 'content-type': 'audio/mpeg' } }

  test('speech: the characters of its input, and the very bytes', async () => {
    await using run = await start()
    run.server.serve(audio, mp3)
    const response = await run.metered.audio.speech.create(speech)
    expect(run.records).toMatchObject([
      { model: 'tts-1', tokens: none, details: { characters: 11 }, outcome: 'complete' },
    ])
    // Nothing of ours stands between the caller and the bytes.
    expect(Object.hasOwn(response, 'arrayBuffer')).toBe(false)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(audio)
    expect(run.records).toHaveLength(1)
    expect(run.errors).toEqual([])
  })

  test('speech that nobody awaits, and speech asked for its raw response', async () => {
    await using run = await start()
    run.server.serve(audio, { ...mp3, times: 2 })
    void run.metered.audio.speech.create(speech)
    const raw = await run.metered.audio.speech.create(speech).asResponse()
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(audio)
    await expect.poll(() => run.records.length).toBe(2)
  })

  test('speech of a model that is billed by tokens is an estimate without events', async () => {
    await using run = await start()
    run.server.serve(audio, mp3)
    await run.metered.audio.speech.create({ ...speech, model: 'gpt-4o-mini-tts' })
    expect(run.records).toMatchObject([
      { details: { characters: 11, estimated: ['input', 'output'] }, outcome: 'estimated' },
    ])
  })

  test.each(['text', 'body', 'arrayBuffer'] as const)(
    'speech as events has its usage, read by %s',
    async (way) => {
      await using run = await start()
      const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 }
      const events = [
        { type: 'speech.audio.delta', audio: 'AAAA' },
        { type: 'speech.audio.done', usage },
      ]
      const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
      run.server.serve(Buffer.from(body), sse)
      const response = await run.metered.audio.speech.create({
        ...speech,
        model: 'gpt-4o-mini-tts',
        stream_format: 'sse',
      })
      expect(run.records).toEqual([])
      const read = way === 'body' ? await new Response(response.body).text() : await response[way]()
      expect(typeof read === 'string' ? read : Buffer.from(read).toString()).toBe(body)
      expect(run.records).toMatchObject([
        { model: 'gpt-4o-mini-tts', tokens: { input: 14, output: 101 }, raw: usage },
      ])
    },
  )

  test('speech that is refused bills nothing', async () => {
    await using run = await start()
    run.server.serve({ error: { message: 'no' } }, { status: 400 })
    await expect(run.metered.audio.speech.create(speech)).rejects.toMatchObject({ status: 400 })
    expect(run.records).toEqual([])
  })
})
