import { readFileSync } from 'node:fs'
import { anthropicWire } from '@token-meter/anthropic/wire'
import type { CallBounds, WireContext, WireProtocol } from '@token-meter/core/wire'
import { googleWire } from '@token-meter/google/wire'
import { openaiWire } from '@token-meter/openai/wire'
import { describe, expect, test } from 'vitest'
import { type Recording, recordings } from '../src/internal.ts'
import { recordingsAreAbsent } from '../src/internal-suites.ts'

// What vendors answer, of each a shape of its own.
// oxlint-disable-next-line no-explicit-any
type Json = Record<string, any>

const context = (provider: string): WireContext => ({
  baseUrl: undefined,
  provider,
  jobs: () => ({
    created: () => {},
    creatorOf: () => undefined,
    fieldsOf: () => undefined,
    isBilled: () => false,
    settle: () => true,
  }),
  warn: () => {},
})

function boundsOf(wire: WireProtocol, url: string, body: Json): CallBounds {
  const request = { method: 'POST', url, headers: undefined, body }
  const operation = wire.open(request, context(wire.name))
  if (operation === undefined || !('endpoint' in operation)) throw new Error(`${url} is none`)
  const call = { provider: wire.name, endpoint: operation.endpoint.name, method: 'POST', body }
  const bounds = operation.endpoint.bounds?.(body, call)
  if (bounds === undefined) throw new Error(`${call.endpoint} has no bounds`)
  return bounds
}

/** What a model said, as the history of the next request has it; `[]` has nothing of it. */
const history: Readonly<Record<string, (answer?: Json) => CallBounds>> = {
  chat: (answer) =>
    boundsOf(openaiWire, 'https://api.openai.com/v1/chat/completions', {
      messages: answer === undefined ? [] : [answer['choices'][0].message],
    }),
  responses: (answer) =>
    boundsOf(openaiWire, 'https://api.openai.com/v1/responses', {
      input: answer?.['output'] ?? [],
    }),
  messages: (answer) =>
    boundsOf(anthropicWire, 'https://api.anthropic.com/v1/messages', {
      messages: answer === undefined ? [] : [{ role: 'assistant', content: answer['content'] }],
    }),
  generateContent: (answer) =>
    boundsOf(
      googleWire,
      'https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent',
      { contents: answer === undefined ? [] : [answer['candidates'][0].content] },
    ),
  interactions: (answer) =>
    boundsOf(googleWire, 'https://generativelanguage.googleapis.com/v1beta/interactions', {
      input: answer?.['outputs'] ?? answer?.['steps'] ?? [],
    }),
}

/** Reasoning that the answer does not show, and nobody can give back, is not in its history. */
function hiddenTokens({ endpoint }: Recording, answer: Json): number {
  const { usage = {}, usageMetadata = {} } = answer
  if (endpoint === 'chat') {
    const shown = answer['choices'][0].message.reasoning_content ?? ''
    return shown === '' ? (usage.completion_tokens_details?.reasoning_tokens ?? 0) : 0
  }
  if (endpoint === 'responses') {
    const isShown = JSON.stringify(answer['output']).includes('encrypted_content":"')
    return isShown ? 0 : (usage.output_tokens_details?.reasoning_tokens ?? 0)
  }
  return usageMetadata.thoughtsTokenCount ?? usage.total_thought_tokens ?? 0
}

const isAbsent = recordingsAreAbsent()
const whole = recordings().filter(({ stream, endpoint }) => !stream && endpoint in history)

describe.skipIf(isAbsent)('answers that were recorded', () => {
  test('have fewer tokens than bytes, by the count of whoever made them', () => {
    let bounded = 0
    for (const recording of whole) {
      const answer = JSON.parse(readFileSync(recording.file, 'utf8')) as Json
      const of = history[recording.endpoint] as (answer?: Json) => CallBounds
      const bounds = of(answer)
      const [first] = recording.expected
      if (bounds.beyond.length > 0 || first === undefined) continue
      bounded++
      const said = first.output - hiddenTokens(recording, answer)
      const bytes = bounds.inputBytes - of().inputBytes
      expect(bytes, recording.name).toBeGreaterThanOrEqual(said)
    }
    console.log(`${bounded} of ${whole.length} recorded answers are bounded as a history`)
    expect(bounded).toBeGreaterThan(15)
  })
})
