import { readFileSync } from 'node:fs'
import {
  httpHeaders,
  observeBody,
  observing,
  type ObservingOptions,
  untilAdmitted,
} from '@token-meter/core/adapter'
import {
  createMeter,
  type Guard,
  memoryOutbox,
  type MeterOptions,
  type UsageRecord,
} from '@token-meter/core'
import { mintRecordId } from '@token-meter/core/outbox'
import { type Recording, recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chatEvents, chatTokens, eventStream, everyProvider } from '../meter-fetch/fetch-run.ts'

type Target = { readonly url: string; readonly protocol: string; readonly provider?: string }

const targets: Readonly<Record<string, Target>> = {
  openai: { url: 'https://api.openai.com/', protocol: 'openai' },
  anthropic: { url: 'https://api.anthropic.com', protocol: 'anthropic' },
  google: { url: 'https://generativelanguage.googleapis.com', protocol: 'google' },
}
const openaiTarget = targets.openai as Target
const json = httpHeaders({
  get: (name: string) => (name === 'content-type' ? 'application/json' : null),
})

function start(options: Partial<MeterOptions> = {}) {
  const outbox = memoryOutbox()
  const said: string[] = []
  const records: UsageRecord[] = []
  const meter = createMeter({
    providers: everyProvider,
    outbox,
    onError: ({ message }) => void said.push(message),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  onTestFinished(() => meter.close())
  return { meter, outbox, said, records, observe: observing(meter) }
}

const bytes = (body: object) => new TextEncoder().encode(JSON.stringify(body))

/** What a client of the provider would send for a recording. */
function requestOf({ provider, endpoint, stream }: Recording) {
  const messages = [{ role: 'user', content: 'hi' }]
  const asked = { model: 'asked', stream }
  const requests: Readonly<Record<string, readonly [path: string, body: object]>> = {
    chat: ['/v1/chat/completions', { ...asked, messages }],
    completions: ['/v1/completions', { ...asked, prompt: 'hi' }],
    responses: ['/v1/responses', { ...asked, input: 'hi' }],
    embeddings: ['/v1/embeddings', { ...asked, input: 'hi' }],
    messages: ['/v1/messages?beta=true', { ...asked, max_tokens: 9, messages }],
    interactions: ['/v1beta/interactions', { ...asked, input: 'hi' }],
    generateContent: [
      `/v1beta/models/asked:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
      { contents: [{ parts: [{ text: 'hi' }] }] },
    ],
  }
  const [path, body] = requests[endpoint] ?? ['/', {}]
  const target = targets[provider] as Target
  return { target, request: { method: 'POST', url: path, headers: json, body: bytes(body) } }
}

/** The bytes of an answer, as a server of that provider writes them. */
function answerOf({ file, stream, provider, endpoint }: Recording, id: string) {
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${id}_`)
  if (!stream) return { type: 'application/json', bytes: Buffer.from(text) }
  const isNamed = provider === 'anthropic' || endpoint === 'responses'
  const events = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const { type = '' } = JSON.parse(line) as { type?: string }
      return `${isNamed ? `event: ${type}\n` : ''}data: ${line}\n\n`
    })
  const end = ['chat', 'completions'].includes(endpoint) ? 'data: [DONE]\n\n' : ''
  return { type: 'text/event-stream', bytes: Buffer.from(events.join('') + end) }
}

/** Passes an answer on in pieces of some length. @returns what its caller gets. */
function passedOn(
  call: Parameters<typeof observeBody>[0],
  { type, bytes: all }: { type: string; bytes: Uint8Array },
  length: number,
): Buffer {
  call.headers = httpHeaders({ get: (name: string) => (name === 'content-type' ? type : null) })
  const body = observeBody(call, type)
  const passed: Uint8Array[] = []
  for (let at = 0; at < all.length; at += length) {
    passed.push(Uint8Array.from(body.push(all.subarray(at, at + length))))
  }
  return Buffer.concat([...passed, body.finish()])
}

const isAbsent = recordingsAreAbsent()
const isBilled = (row: Recording['expected'][number]) =>
  row.input + row.cached_input + row.cached_write + row.output > 0
const asExpected = ({ model, tokens }: UsageRecord) => {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}

describe('requests that somebody else sends', () => {
  test.each(isAbsent ? [] : recordings())('$name, in and out as bytes', async (recording) => {
    const { records, observe } = start()
    const { target, request } = requestOf(recording)
    const recordId = mintRecordId(Date.now())
    const opened = observe('cus_1', { recordId, includeUsage: false }).open(request, target)
    if (opened === undefined || opened === 'unmetered') throw new Error('is an operation')
    const call = opened.begin()
    const told: UsageRecord[] = []
    call.onRecorded = (all) => void told.push(...all)
    await untilAdmitted(call)
    const answer = answerOf(recording, recordId)
    expect(passedOn(call, answer, 97).equals(answer.bytes)).toBe(true)
    await call.stored
    expect(records.map(asExpected)).toEqual(recording.expected.filter(isBilled))
    expect(told).toEqual(records)
    const [first] = records
    if (first === undefined || recording.endpoint === 'interactions') return
    expect(first).toMatchObject({ id: recordId, customer: 'cus_1', provider: recording.provider })
  })

  test('usage that was asked for by the meter is hidden again, and counted', async () => {
    const { records, observe } = start()
    const request = {
      method: 'post',
      url: 'https://api.openai.com/v1/chat/completions',
      headers: json,
      body: bytes({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
    }
    const opened = observe('cus_1').open(request, openaiTarget)
    if (opened === undefined || opened === 'unmetered') throw new Error('is an operation')
    const call = opened.begin()
    const sent = opened.operation.rewrite?.apply(request.body)
    expect(Buffer.from(sent ?? []).toString()).toContain('"include_usage":true')
    const all = { type: 'text/event-stream', bytes: eventStream(chatEvents) }
    const shown = passedOn(call, all, 10)
    expect(shown.equals(eventStream(chatEvents.slice(0, -1)))).toBe(true)
    await call.stored
    expect(records).toMatchObject([{ tokens: chatTokens, outcome: 'complete' }])
  })

  test.each([
    ['an upstream of its own, by its name', 'http://10.0.0.7:8000', 'groq', 'groq'],
    ['an upstream of its own', 'http://10.0.0.7:8000/v1/', undefined, 'openai'],
    ['a host that is known', 'https://api.groq.com/openai', undefined, 'groq'],
  ])('%s serves what is sent there', (_, url, provider, expected) => {
    const { observe } = start()
    const body = bytes({ model: 'm', messages: [] })
    const target = { url, protocol: 'openai', ...(provider !== undefined && { provider }) }
    const request = { method: 'POST', url: '/chat/completions', headers: undefined, body }
    const opened = observe('cus_1').open(request, target)
    if (opened === undefined || opened === 'unmetered') throw new Error('is an operation')
    const call = opened.begin()
    expect(call.call.provider).toBe(expected)
    expect(call.needsProof).toBe(false)
    call.dismiss()
  })

  test('a request of another API than the upstream is said to have is known all the same', () => {
    const { observe } = start()
    const body = bytes({ model: 'm', max_tokens: 1, messages: [] })
    const request = { method: 'POST', url: '/v1/messages', headers: json, body }
    expect(observe('c').open(request, openaiTarget)).toMatchObject({
      operation: { endpoint: { name: 'messages' } },
    })
  })

  test('what bills nothing is free, and what nobody knows is neither', () => {
    const { observe, said } = start()
    const observation = observe('cus_1')
    const target = targets.anthropic as Target
    const counted = { method: 'POST', url: '/v1/messages/count_tokens', headers: json, body: null }
    expect(observation.open(counted, target)).toBe(undefined)
    expect(observation.isFree(counted, target)).toBe(true)
    const unknown = { ...counted, url: '/v1/surprises' }
    expect(observation.open(unknown, target)).toBe(undefined)
    expect(observation.isFree(unknown, target)).toBe(false)
    expect(said).toEqual([])
  })

  test('a request that its guard refuses is not to be sent, and one that is not begun asks nobody', async () => {
    let asked = 0
    const refusal = new Error('no credit')
    const guard: Guard = {
      admit() {
        asked++
        throw refusal
      },
    }
    const { observe, records } = start({ guard })
    const body = bytes({ model: 'm', input: 'hi' })
    const request = { method: 'POST', url: '/v1/responses', headers: json, body }
    const opened = observe('cus_1', { pools: ['team_1'] }).open(request, openaiTarget)
    if (opened === undefined || opened === 'unmetered') throw new Error('is an operation')
    expect(asked).toBe(0)
    await expect(untilAdmitted(opened.begin())).rejects.toBe(refusal)
    expect(asked).toBe(1)
    expect(records).toEqual([])
  })

  test('a body that is not there is known by its address', () => {
    const { observe } = start()
    const request = {
      method: 'POST',
      url: '/v1/audio/transcriptions',
      headers: json,
      body: undefined,
    }
    expect(observe('c').open(request, openaiTarget)).toMatchObject({
      operation: { endpoint: { name: 'audio.transcriptions' } },
    })
  })

  test('wrong options are refused, and what is no meter', () => {
    const { observe } = start()
    expect(() => observe('', {})).toThrow(/observing\(\) expected the customer/)
    expect(() => observe('c', { recordId: '' })).toThrow(/recordId/)
    expect(() => observe('c', { keepOpen: true } as ObservingOptions)).toThrow(/keepsOpen/)
    expect(() => observe('c', { pools: ['p'] })).toThrow(/observing\(\): pools count for nothing/)
    expect(() => observing({} as never)).toThrow(/expected a meter/)
  })
})
