import { readFileSync } from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { type ReplayEvent, type Reply, startReplayServer } from '@token-meter/testkit'
import { type Recording, recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { asExpected, billedRows } from './recorded.ts'
import { startGateway } from './running.ts'

const messages = [{ role: 'user', content: 'hi' }] as const

/** What an SDK makes of a recording, with the base URL that its users give it. */
async function play(recording: Recording, root: string, prefix: string): Promise<unknown> {
  const { provider, endpoint, stream } = recording
  const openai = new OpenAI({
    apiKey: 'k',
    baseURL: `${root}${prefix && '/openai'}/v1`,
    maxRetries: 0,
  })
  const anthropic = new Anthropic({
    apiKey: 'k',
    baseURL: `${root}${prefix && '/anthropic'}`,
    maxRetries: 0,
  })
  const baseUrl = `${root}${prefix && '/gemini'}`
  const gemini = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl } })
  const asked = { model: 'asked', stream }
  const calls: Record<string, () => Promise<unknown>> = {
    // Vendors send their usage as they like: what is asked for by nobody is another test's.
    chat: () =>
      openai.chat.completions.create({
        ...asked,
        messages: [...messages],
        ...(stream && { stream_options: { include_usage: true } }),
      }),
    completions: () =>
      openai.completions.create({
        ...asked,
        prompt: 'hi',
        stream_options: { include_usage: true },
      }),
    responses: () => openai.responses.create({ ...asked, input: 'hi' }),
    embeddings: () =>
      openai.embeddings.create({ model: 'asked', input: 'hi', encoding_format: 'float' }),
    messages: () => anthropic.messages.create({ ...asked, max_tokens: 9, messages: [...messages] }),
    interactions: () => gemini.interactions.create({ ...asked, input: 'hi' } as never),
    generateContent: () => {
      const request = { model: 'asked', contents: 'hi' }
      return stream
        ? gemini.models.generateContentStream(request)
        : gemini.models.generateContent(request)
    },
  }
  const answer = await calls[endpoint]?.()
  if (!stream) return answer
  const events: unknown[] = []
  for await (const event of answer as AsyncIterable<unknown>) events.push(event)
  expect([provider, events.length]).not.toEqual([provider, 0])
  return events
}

/** An interaction is billed once in a process, by its id. */
function replied({ provider, file, stream }: Recording, id: string): Reply {
  if (provider !== 'google') return file
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${id}_`)
  if (!stream) return JSON.parse(text) as ReplayEvent
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as ReplayEvent)
}

const asText = (answer: unknown) =>
  JSON.stringify(answer, (_, value: unknown) => (value instanceof Headers ? [...value] : value))
    // Of the gateway, and of one connection.
    .replaceAll(
      /"x-token-meter-request-id":"[^"]*",?|"(?:keep-alive|connection|date)":"[^"]*",?/g,
      '',
    )
    .replaceAll(',}', '}')

test.each(recordingsAreAbsent() ? [] : recordings())(
  '$name is to its SDK what it is without the gateway',
  async (recording) => {
    await using upstream = await startReplayServer()
    await using running = await startGateway(upstream.url)
    const headers = { date: 'fixed', 'x-request-id': 'r' }
    upstream.serve(replied(recording, 'sdk'), { times: 2, headers })
    const direct = await play(recording, upstream.url, '')
    const through = await play(recording, running.url, 'named')
    expect(asText(through)).toBe(asText(direct))
    await running.entry(1)
    expect(running.records.map(asExpected)).toEqual(billedRows(recording))
    const [one, other] = upstream.requests.map(({ url, rawBody }) => [url, rawBody])
    expect(other).toEqual(one)
  },
)
