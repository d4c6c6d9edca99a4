import { readFileSync } from 'node:fs'
import type { ReplayEvent, Reply } from '@token-meter/testkit'
import { type Recording, recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, test } from 'vitest'
import type { UsageRecord } from '../src/index.ts'
import { readAll, startMetered } from './metered.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const google = recordings().filter(({ provider }) => provider === 'google')

const isAbsent = recordingsAreAbsent()

describe.each(isAbsent ? [] : sdkMajors)('recorded traffic through genai $major', (sdk) => {
  test.each(google)('$name', async (recording) => {
    await using run = await startMetered(sdk.GoogleGenAI)
    run.server.serve(replied(recording, `${sdk.major}-counted`))
    await play(run.metered, recording)
    expect(run.records.map(asExpected)).toEqual(recording.expected)
    expect(run.records.every(({ outcome }) => outcome === 'complete')).toBe(true)
    expect(run.records.every(({ provider }) => provider === 'google')).toBe(true)
    expect(run.records.every(({ requestedModel }) => requestedModel === 'asked')).toBe(true)
    expect(run.errors).toEqual([])
  })

  test.each(google)('$name gives the caller what it gives raw', async (recording) => {
    await using run = await startMetered(sdk.GoogleGenAI)
    const reply = replied(recording, `${sdk.major}-compared`)
    run.server.serve(reply, { times: 2, headers: { date: 'fixed', 'x-request-id': 'r' } })
    const raw = await play(run.raw, recording)
    expect(asText(await play(run.metered, recording))).toEqual(asText(raw))
    expect(run.records).toHaveLength(recording.expected.length)
  })
})

async function play(client: SdkClient, { endpoint, stream }: Recording): Promise<unknown> {
  const request = { model: 'asked', contents: 'hi' }
  if (endpoint === 'interactions') {
    const answer = await client.interactions.create({
      model: 'asked',
      input: 'hi',
      stream,
    } as never)
    return stream ? await readAll(answer as unknown as AsyncIterable<unknown>) : answer
  }
  return stream
    ? await readAll(await client.models.generateContentStream(request))
    : await client.models.generateContent(request)
}

/** The recording as a response of its own: an interaction is billed once in a process, by its id. */
function replied({ file, stream }: Recording, id: string): Reply {
  const text = readFileSync(file, 'utf8').replaceAll('"v1_', `"v1_${id}_`)
  if (!stream) return JSON.parse(text) as ReplayEvent
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as ReplayEvent)
}

/** Interactions bring a function of their own with every answer. */
function asText(answer: unknown): string {
  return JSON.stringify(answer, null, 1)
}

function asExpected({ model, tokens }: UsageRecord): object {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}
