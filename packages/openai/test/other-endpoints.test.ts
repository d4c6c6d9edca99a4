import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import {
  chatCompletion,
  countedTokens,
  embeddingList,
  finishedResponse,
  responseUsage,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const compacted = {
  id: 'resp_c',
  object: 'response.compaction',
  created_at: 1,
  output: [],
  usage: responseUsage,
}
const decision = { model: 'gpt-decide-1', answers: [], usage: responseUsage }
const graderUsage = { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 }
const graded = {
  reward: 1,
  metadata: { token_usage: 10 },
  model_grader_token_usage_per_model: { 'gpt-4.1': graderUsage },
}
const image = { created: 1, data: [], usage: responseUsage }
const speechUsage = { type: 'tokens', input_tokens: 3, output_tokens: 4, total_tokens: 7 }

/** Every path whose own answer is billed: what it answers, and how it is counted. */
const paths: [path: string, answer: ReplayEvent, record: object][] = [
  ['/chat/completions', chatCompletion, { endpoint: 'chat.completions', tokens: countedTokens }],
  ['/completions', chatCompletion, { endpoint: 'completions', tokens: countedTokens }],
  ['/embeddings', embeddingList, { endpoint: 'embeddings', tokens: { input: 8 } }],
  ['/responses', finishedResponse, { endpoint: 'responses', tokens: countedTokens }],
  [
    '/responses/compact',
    compacted,
    { endpoint: 'responses.compact', model: 'asked', tokens: countedTokens },
  ],
  ['/images/generations', image, { endpoint: 'images.generations', model: 'asked' }],
  ['/images/edits', image, { endpoint: 'images.edits', model: 'asked' }],
  ['/images/variations', image, { endpoint: 'images.variations', model: 'asked' }],
  [
    '/audio/transcriptions',
    { text: 'x', usage: speechUsage },
    { endpoint: 'audio.transcriptions', tokens: { input: 3, output: 4 } },
  ],
  [
    '/audio/translations',
    { text: 'x', duration: 3 },
    { endpoint: 'audio.translations', details: { seconds: 3 } },
  ],
  ['/audio/speech', {}, { endpoint: 'audio.speech', details: { characters: 2 } }],
  ['/decisions', decision, { endpoint: 'decisions', model: 'gpt-decide-1', tokens: countedTokens }],
  [
    '/fine_tuning/alpha/graders/run',
    graded,
    { endpoint: 'graders', model: 'gpt-4.1', tokens: { input: 8, output: 2 }, raw: graderUsage },
  ],
]

const body = { model: 'asked', input: 'hi', messages: [] }

describe.each(sdkMajors)('by their path on openai $major', ({ major, OpenAI }) => {
  test.each(paths)('client.post and client.request of %s', async (path, answer, record) => {
    await using run = await startMetered(OpenAI)
    run.server.serve(answer, { times: 2 })
    await run.metered.post(path, { body })
    await run.metered.request({ method: 'post', path, body })
    expect(run.records).toMatchObject([record, record])
    expect(run.records).toHaveLength(2)
    expect(run.errors).toEqual([])
  })

  test.skipIf(major < 6)('responses.compact', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(compacted)
    await run.metered.responses.compact({ model: 'gpt-5.4', input: 'hi' })
    expect(run.records).toMatchObject([{ model: 'gpt-5.4', tokens: countedTokens }])
  })

  test('a grader whose usage has another shape is reported, one without usage is free', async () => {
    await using run = await startMetered(OpenAI)
    const odd = { ...graded, model_grader_token_usage_per_model: { m: 12 } }
    run.server.serve(odd)
    run.server.serve({ ...graded, model_grader_token_usage_per_model: {} })
    await run.metered.fineTuning.alpha.graders.run({} as never)
    await run.metered.fineTuning.alpha.graders.run({} as never)
    expect(run.records).toEqual([])
    expect(run.errors).toHaveLength(1)
  })

  test.each([
    ['get', '/models'],
    ['get', '/files/file_1/content'],
    ['get', '/chat/completions'],
    ['get', '/chat/completions/chatcmpl_1'],
    ['post', '/chat/completions/chatcmpl_1'],
    ['get', '/responses/resp_foreign'],
    ['get', '/responses/resp_1/input_items'],
    ['post', '/responses/input_tokens'],
    ['post', '/moderations'],
    ['post', '/files'],
    ['post', '/vector_stores/vs_1/search'],
    ['get', '/batches'],
    ['get', '/threads/t/runs'],
    ['get', '/threads/t/runs/r/steps'],
    ['post', '/threads/t/runs/r'],
    ['post', '/conversations'],
    ['post', '/evals'],
    ['get', '/videos/v/content'],
  ] as const)('%s %s records nothing and says nothing', async (method, path) => {
    await using run = await startMetered(OpenAI)
    // All of them show usage, whatever they are.
    run.server.serve({ ...finishedResponse, data: [chatCompletion] }, { times: 2 })
    await run.metered[method](path, {})
    await run.metered.request({ method, path })
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })
})
