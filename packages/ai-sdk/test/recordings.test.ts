import { recordings, type Recording } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, test } from 'vitest'
import type { AiSdkModel, UsageRecord } from '../src/index.ts'
import { type Metered, startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const endpoints = new Set(['chat', 'responses', 'messages', 'generateContent'])
const played = recordings().filter(({ endpoint }) => endpoints.has(endpoint))

/**
 * What the schemas of a provider version refuse, in the places that name it (a field of another
 * vendor's, or a tool that is newer than the version). The whole answer is in the error, so it is
 * billed all the same.
 */
const refused: Readonly<Record<string, readonly RegExp[]>> = {
  v2: [
    /anthropic-mcp|tool-search-regex/,
    /chat\/mistral-tool-call/,
    /client-tool-search\.1|compaction|custom-tool|mcp-tool-approval\.[12]|shell|openai-tool-search|programmatic-tool-calling\.1/,
    /responses\/xai-/,
  ],
  v3: [
    /chat\/mistral-tool-call/,
    /openai-compaction|openai--programmatic-tool-calling/,
    /responses\/xai-/,
  ],
  v4: [/chat\/mistral-tool-call/, /responses\/xai-/],
}

const isAbsent = recordingsAreAbsent()

describe.each(isAbsent ? [] : sdkMajors)('recorded traffic through ai $major', (sdk) => {
  test.each(played)('$name', async (recording) => {
    await using run = await startMetered(sdk)
    run.server.serve(recording.file)
    const error = await play(run, recording)
    if (error !== undefined) {
      expect(error).toMatchObject({ statusCode: 200, message: 'Invalid JSON response' })
      expect(refused[sdk.version]?.some((name) => name.test(recording.name))).toBe(true)
    }
    expect(run.records.map(asExpected)).toEqual(recording.expected.filter(isBilled))
    expect(run.records.every(({ outcome }) => outcome === 'complete')).toBe(true)
    // An answer that counts nothing is told, though nothing is billed of it.
    const counted = recording.expected.every(isBilled)
    expect(run.errors.map(({ code }) => code)).toEqual(counted ? [] : ['usage'])
  })
})

interface Playable extends AiSdkModel {
  doGenerate(options: object): Promise<unknown>
  doStream(options: object): Promise<{ stream: ReadableStream<{ type: string }> }>
}

function modelOf({ openai, anthropic, google }: Metered, recording: Recording): AiSdkModel {
  const asked = recording.expected[0]?.model ?? 'asked'
  if (recording.endpoint === 'chat') return openai.chat(asked)
  if (recording.endpoint === 'responses') return openai.responses(asked)
  return recording.endpoint === 'messages' ? anthropic(asked) : google(asked)
}

/** Returns the error of a call whose answer the provider could not parse. */
async function play(run: Metered, recording: Recording): Promise<unknown> {
  const model = run.meter(modelOf(run, recording), 'cus_1') as Playable
  const prompt = [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }]
  if (!recording.stream) {
    const answer = await model.doGenerate({ prompt }).catch((error: unknown) => error)
    return answer instanceof Error ? answer : undefined
  }
  const { stream } = await model.doStream({ prompt })
  for await (const _ of stream);
  return undefined
}

type Expected = Recording['expected'][number]

function isBilled(expected: Expected): boolean {
  return expected.input + expected.cached_input + expected.cached_write + expected.output > 0
}

function asExpected({ model, tokens }: UsageRecord): object {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}
