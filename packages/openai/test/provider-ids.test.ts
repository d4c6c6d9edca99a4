import { toMeterEvents } from '@token-meter/core'
import { expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, chatScript, chatUsage, responseScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const headers = { 'x-request-id': 'req_of_openai' }

test.each(sdkMajors)(
  'records have the ids of the provider, through openai $major',
  async ({ OpenAI }) => {
    await using run = await startMetered(OpenAI)
    const { chat, responses } = run.metered
    run.server.serve(chatCompletion, { headers, times: 3 })
    await chat.completions.create(chatRequest)
    await chat.completions.create(chatRequest).withResponse()
    await (await chat.completions.create(chatRequest).asResponse()).json()
    run.server.serve(chatScript, { headers })
    for await (const _ of await chat.completions.create({ ...chatRequest, stream: true }));
    run.server.serve(responseScript, { headers })
    const request = { model: 'asked', input: 'hi', stream: true } as const
    for await (const _ of await responses.create(request));
    expect(run.records.map(({ responseId, requestId }) => [responseId, requestId])).toEqual([
      ...Array.from({ length: 4 }, () => ['chatcmpl-1', 'req_of_openai']),
      [expect.stringMatching(/^resp_/), 'req_of_openai'],
    ])
    for (const record of run.records) {
      expect(JSON.stringify(toMeterEvents(record))).not.toMatch(/chatcmpl|resp_|req_of/)
    }
  },
)

test('what is not known is not there, and what is too long for an id is none', async () => {
  const { OpenAI } = sdkMajors[0]!
  await using run = await startMetered(OpenAI)
  run.server.serve({ ...chatCompletion, id: 'x'.repeat(300) }, { headers: { 'x-request-id': '' } })
  await run.metered.chat.completions.create(chatRequest)
  expect(run.records[0]).not.toHaveProperty('responseId')
})

test('text in usage, model and tier is bounded', async () => {
  const { OpenAI } = sdkMajors[0]!
  await using run = await startMetered(OpenAI)
  const text = 'Her illness is a secret of ours. '.repeat(30_000)
  run.server.serve({
    ...chatCompletion,
    model: text,
    service_tier: text,
    usage: { ...chatUsage, note: text, prompt_tokens_details: { cached_tokens: 4, note: [text] } },
  })
  await run.metered.chat.completions.create(chatRequest)
  const [record] = run.records
  expect(record).toMatchObject({ tokens: { cachedInput: 4 }, raw: { completion_tokens: 7 } })
  expect(record?.model).toHaveLength(256)
  expect(record?.serviceTier).toHaveLength(64)
  expect(JSON.stringify(record?.raw)).not.toContain('illness')
  expect(JSON.stringify(record).length).toBeLessThan(2000)
})
