import { recordings, type Recording } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { describe, expect, test } from 'vitest'
import type { UsageRecord } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const openaiShaped = recordings().filter(({ provider }) => provider === 'openai')

/** The vendor's own host, where the recording's name says which one it was. */
const hosts: readonly (readonly [name: RegExp, baseUrl: string, provider: string])[] = [
  [/xai/, 'https://api.x.ai/v1', 'xai'],
  [/groq/, 'https://api.groq.com/openai/v1', 'groq'],
  [/deepseek/, 'https://api.deepseek.com/v1', 'deepseek'],
  [/mistral/, 'https://api.mistral.ai/v1', 'mistral'],
  [/moonshotai/, 'https://api.moonshot.ai/v1', 'moonshotai'],
  [/perplexity/, 'https://api.perplexity.ai', 'perplexity'],
  [/alibaba/, 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'alibaba'],
  [/azure/, 'https://r.openai.azure.com/openai/v1', 'azure'],
  [/lmstudio/, 'http://localhost:1234/v1', 'lmstudio'],
  [/./, 'https://api.openai.com/v1', 'openai'],
]

const isAbsent = recordingsAreAbsent()

describe.each(isAbsent ? [] : sdkMajors)('recorded traffic through openai $major', ({ OpenAI }) => {
  test.each(openaiShaped)('$name', async (recording) => {
    await using run = await startMetered(OpenAI)
    run.server.serve(recording.file)
    await play(run.metered, recording)
    expect(run.records.map(asExpected)).toEqual(recording.expected.filter(isBilled))
    expect(run.records.every(({ outcome }) => outcome === 'complete')).toBe(true)
    // An answer that counts nothing is told, though nothing is billed of it.
    const counted = recording.expected.every(isBilled)
    expect(run.errors.map(({ code }) => code)).toEqual(counted ? [] : ['usage'])
  })

  test.each(openaiShaped)('$name, from its own host', async (recording) => {
    const [, baseURL, provider] = hosts.find(([name]) => name.test(recording.name)) ?? []
    let address = ''
    await using run = await startMetered(OpenAI, {
      client: {
        baseURL,
        fetch: (url: string, init: RequestInit) => fetch(address + new URL(url).pathname, init),
      },
    })
    address = run.server.url
    run.server.serve(recording.file)
    await play(run.metered, recording)
    expect(run.records.map(asExpected)).toEqual(recording.expected.filter(isBilled))
    expect(run.records.every((record) => record.provider === provider)).toBe(true)
  })
})

async function play(client: SdkClient, { endpoint, stream }: Recording): Promise<void> {
  const messages = [{ role: 'user', content: 'hi' }] as const
  const requests: Record<string, () => Promise<unknown>> = {
    chat: () => client.chat.completions.create({ model: 'asked', messages: [...messages], stream }),
    completions: () => client.completions.create({ model: 'asked', prompt: 'hi', stream }),
    responses: () => client.responses.create({ model: 'asked', input: 'hi', stream }),
    embeddings: () =>
      client.embeddings.create({ model: 'asked', input: 'hi', encoding_format: 'float' }),
  }
  const answer = await requests[endpoint]?.()
  if (!stream) return
  for await (const _ of answer as AsyncIterable<unknown>);
}

type Expected = Recording['expected'][number]

function isBilled(expected: Expected): boolean {
  return expected.input + expected.cached_input + expected.cached_write + expected.output > 0
}

function asExpected({ model, tokens }: UsageRecord): object {
  const { input, cachedInput, cachedWrite, output } = tokens
  return { model, input, cached_input: cachedInput, cached_write: cachedWrite, output }
}
