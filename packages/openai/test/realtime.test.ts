import { describe, expect, it, vi } from 'vitest'
import {
  realtimeUsageObject,
  responseCreated,
  responseDone,
  sessionCreated,
  textDelta,
  transcriptionCompleted,
} from './realtime-events.ts'
import { startSocketRun } from './realtime-server.ts'
import { openRealtime, realtimeSockets } from './realtime-sockets.ts'

describe.each(realtimeSockets)('a realtime socket of SDK $name', ({ open }) => {
  it('is the same object, and each response a record', async () => {
    await using run = await startSocketRun()
    const raw = open(run)
    const rt = run.wrap(raw)
    expect(rt).toBe(raw)
    const seen: string[] = []
    rt.on('event', ({ type }) => void seen.push(type))

    const events = [sessionCreated, responseCreated('resp_1'), responseDone('resp_1')]
    await run.play(rt, [...events, responseDone('resp_1'), responseDone('resp_2')])
    expect(run.records).toHaveLength(2)
    expect(run.records[0]).toMatchObject({
      customer: 'cus_1',
      provider: 'openai',
      endpoint: 'realtime',
      model: 'gpt-realtime-2',
      requestedModel: 'gpt-realtime',
      tokens: { input: 68, cachedInput: 64, cachedWrite: 0, output: 121 },
      details: {
        audioInput: 20,
        imageInput: 12,
        cachedAudioInput: 10,
        cachedImageInput: 4,
        audioOutput: 91,
      },
      outcome: 'complete',
      raw: realtimeUsageObject,
    })
    expect(seen.slice(0, 3)).toEqual(['session.created', 'response.created', 'response.done'])
    expect(run.errors).toEqual([])
  })

  it('to a gateway of one’s own is not recorded here', async () => {
    await using run = await startSocketRun()
    vi.stubEnv('TOKEN_METER_GATEWAY', run.baseURL)
    const rt = run.wrap(open(run))
    vi.unstubAllEnvs()
    await run.play(rt, [sessionCreated, responseCreated('resp_1'), responseDone('resp_1')])
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  it('leaves one estimated record of a response whose connection is lost', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(open(run))
    rt.on('error', () => {})
    const closed = new Promise((resolve) => {
      ;(rt.socket as unknown as WebSocket).addEventListener('close', resolve)
    })
    await run.play(rt, [
      sessionCreated,
      responseCreated('resp_1'),
      responseDone('resp_1'),
      responseCreated('resp_2'),
      textDelta('resp_2', 'x'.repeat(400)),
      { type: 'response.function_call_arguments.delta', response_id: 'resp_2', delta: '{"a":1}' },
    ])
    run.connections[0]?.terminate()
    await closed
    expect(run.records).toHaveLength(2)
    const lost = run.records[1]
    expect(lost).toMatchObject({ outcome: 'estimated', model: 'gpt-realtime-2', raw: null })
    expect(lost?.details.estimated).toEqual(['input', 'output'])
    // The next response reads what the last one read and said.
    expect(lost?.tokens.input).toBe(253)
    expect(lost?.tokens.output).toBeGreaterThan(20)
    expect(run.errors).toEqual([])
  })
})

describe('what a realtime session is billed for', () => {
  it('bills cancelled, failed and incomplete responses by their usage', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    for (const status of ['cancelled', 'failed', 'incomplete']) {
      await run.play(rt, [responseCreated(status), responseDone(status, undefined, status)])
    }
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'complete'])
    expect(run.records.map(({ tokens }) => tokens.output)).toEqual([121, 121, 121])
  })

  it('bills no response that failed before it said anything, and has no usage', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    await run.play(rt, [responseCreated('resp_1'), responseDone('resp_1', null, 'failed')])
    expect(run.records).toEqual([])
  })

  it('estimates a finished response without usage, and says so', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    await run.play(rt, [
      responseCreated('resp_1'),
      textDelta('resp_1', 'some words of the answer'),
      responseDone('resp_1', null),
    ])
    expect(run.records).toMatchObject([{ outcome: 'estimated', model: 'gpt-realtime' }])
    expect(run.errors).toHaveLength(1)
  })

  it('takes the model of the url where the session names none, and later that of the session', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    const updated = { type: 'session.updated', session: { model: 'gpt-realtime-mini' } }
    await run.play(rt, [responseDone('resp_1'), updated, responseDone('resp_2')])
    expect(run.records.map(({ model }) => model)).toEqual(['gpt-realtime', 'gpt-realtime-mini'])
  })

  it('bills transcription on the model that transcribes, by tokens or by time, once', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    const tokens = {
      type: 'tokens',
      total_tokens: 30,
      input_tokens: 22,
      output_tokens: 8,
      input_token_details: { text_tokens: 2, audio_tokens: 20 },
    }
    const beta = { input_audio_transcription: { model: 'whisper-1' } }
    await run.play(rt, [
      sessionCreated,
      transcriptionCompleted('item_1', tokens),
      transcriptionCompleted('item_1', tokens),
      { type: 'session.updated', session: beta },
      transcriptionCompleted('item_2', { type: 'duration', seconds: 2.5 }),
    ])
    expect(run.records).toMatchObject([
      {
        endpoint: 'realtime.transcription',
        model: 'gpt-4o-mini-transcribe',
        tokens: { input: 22, output: 8 },
        details: { audioInput: 20 },
      },
      { model: 'whisper-1', tokens: { input: 0, output: 0 }, details: { seconds: 2.5 } },
    ])
    expect(run.errors).toEqual([])
  })

  it('counts audio that was cut off by its length', async () => {
    await using run = await startSocketRun()
    const rt = run.wrap(openRealtime(run))
    rt.on('error', () => {})
    // A second of 16 bits at 24 kHz is 20 tokens; a second of G.711 as well.
    const pcm = Buffer.alloc(48_000).toString('base64')
    const g711 = Buffer.alloc(8_000).toString('base64')
    const format = { audio: { output: { format: { type: 'audio/pcmu' } } } }
    const audio = { type: 'response.output_audio.delta', response_id: 'resp_1' }
    await run.play(rt, [
      responseCreated('resp_1'),
      { ...audio, delta: pcm },
      { type: 'session.updated', session: format },
      { ...audio, delta: g711 },
    ])
    rt.close()
    await new Promise((resolve) => rt.socket.once('close', resolve))
    expect(run.records[0]?.tokens.output).toBe(40)
  })

  it('gives what a sideband connection sees an id that every such connection derives', async () => {
    const usage = { type: 'duration', seconds: 1 }
    const ids = []
    for (const query of ['call_id=rtc_1', 'call_id=rtc_1', 'call_id=rtc_2']) {
      await using run = await startSocketRun()
      const rt = openRealtime(run)
      rt.url.search = query
      run.wrap(rt)
      await run.play(rt, [responseDone('resp_1'), transcriptionCompleted('item_1', usage)])
      ids.push(run.records.map(({ id }) => id))
    }
    expect(new Set(ids[0]).size).toBe(2)
    expect(ids[1]).toEqual(ids[0])
    expect(new Set(ids.flat()).size).toBe(4)
  })
})
