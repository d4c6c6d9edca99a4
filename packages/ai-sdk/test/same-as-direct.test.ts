import type { TokenMeterError } from '@token-meter/core'
import { recordings, type Recording } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, test } from 'vitest'
import { startMetered as startAnthropic } from '../../anthropic/test/metered.ts'
import { request } from '../../anthropic/test/scripts.ts'
import { sdkMajors as anthropicMajors } from '../../anthropic/test/sdk-majors.ts'
import { startMetered as startGoogle } from '../../google/test/metered.ts'
import { sdkMajors as googleMajors } from '../../google/test/sdk-majors.ts'
import { startMetered as startOpenAI } from '../../openai/test/metered.ts'
import { sdkMajors as openaiMajors } from '../../openai/test/sdk-majors.ts'
import type { AiSdkModel, UsageRecord } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { type SdkMajor, sdkMajors } from './sdk-majors.ts'

const endpoints = new Set(['chat', 'responses', 'messages', 'generateContent'])
const played = recordings().filter(({ endpoint }) => endpoints.has(endpoint))

/** Of another vendor than the AI SDK's model is made for, whose fields such a model drops. */
const providerOf = ({ name }: Recording) => (name.includes('xai') ? { provider: 'xai' } : {})

const isAbsent = recordingsAreAbsent()

describe.each(isAbsent ? [] : sdkMajors)('as the own client says it, ai $major', (sdk) => {
  test.each(played)('$name', async (recording) => {
    const [direct, through] = [await byOwnClient(recording), await byAiSdk(sdk, recording)]
    expect(through).toEqual(direct)
  })
})

interface Run {
  readonly records: readonly UsageRecord[]
  readonly errors: readonly TokenMeterError[]
}

/** What both must say, and report; the AI SDK's order of the records is its own. */
function said({ records, errors }: Run): object {
  return { records: saidBy(records), reported: errors.map(({ code }) => code) }
}

function saidBy(records: readonly UsageRecord[]): readonly object[] {
  return records
    .map(({ model, tokens, details, outcome, serviceTier, requests, parts, raw }) => ({
      model,
      tokens,
      details,
      outcome,
      serviceTier,
      requests,
      parts,
      hasRaw: raw !== null,
    }))
    .toSorted((a, b) => (a.model < b.model ? -1 : 1))
}

async function byOwnClient(recording: Recording): Promise<object> {
  const { endpoint, stream, file } = recording
  if (endpoint === 'messages') {
    await using run = await startAnthropic(anthropicMajors.at(-1)?.Anthropic as never)
    run.server.serve(file)
    await drained(await run.metered.messages.create({ ...request, model: 'asked', stream }))
    return said(run)
  }
  if (endpoint === 'generateContent') {
    await using run = await startGoogle(googleMajors.at(-1)?.GoogleGenAI as never)
    run.server.serve(file)
    const asked = { model: 'asked', contents: 'hi' }
    if (stream) await drained(await run.metered.models.generateContentStream(asked))
    else await run.metered.models.generateContent(asked)
    return said(run)
  }
  await using run = await startOpenAI(openaiMajors.at(-1)?.OpenAI as never, providerOf(recording))
  run.server.serve(file)
  const { chat, responses } = run.metered
  await drained(
    endpoint === 'chat'
      ? await chat.completions.create({ model: 'asked', messages: [], stream })
      : await responses.create({ model: 'asked', input: 'hi', stream }),
  )
  return said(run)
}

async function drained(answer: object): Promise<void> {
  if (!(Symbol.asyncIterator in answer)) return
  for await (const _ of answer as AsyncIterable<unknown>);
}

interface Playable extends AiSdkModel {
  doGenerate(options: object): Promise<unknown>
  doStream(options: object): Promise<{ stream: ReadableStream<{ type: string }> }>
}

/** A tool that the provider runs: without any, the provider's own events are not asked for. */
const tools: Readonly<Record<string, readonly [id: string, name: string]>> = {
  responses: ['openai.web_search', 'web_search'],
  messages: ['anthropic.web_search_20250305', 'web_search'],
  generateContent: ['google.google_search', 'google_search'],
}

async function byAiSdk(sdk: SdkMajor, recording: Recording): Promise<object> {
  const { endpoint, stream, file } = recording
  await using run = await startMetered(sdk)
  run.server.serve(file)
  const { openai, anthropic, google } = run
  const models: Readonly<Record<string, () => AiSdkModel>> = {
    chat: () => openai.chat('asked'),
    responses: () => openai.responses('asked'),
    messages: () => anthropic('asked'),
    generateContent: () => google('asked'),
  }
  const model = run.meter(
    models[endpoint]?.() as AiSdkModel,
    'cus_1',
    providerOf(recording),
  ) as Playable
  const [id, name] = tools[endpoint] ?? []
  const type = sdk.version === 'v2' ? 'provider-defined' : 'provider'
  const options = {
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    ...(id !== undefined && { tools: [{ type, id, name, args: {} }] }),
  }
  if (!stream) await model.doGenerate(options).catch(() => {})
  else {
    for await (const part of (await model.doStream(options)).stream) {
      expect(part.type).not.toBe('raw')
    }
  }
  return said(run)
}
