import { describe, expect, test } from 'vitest'
import { chunk } from './event-frames.ts'
import { makerAnswers } from './maker-answers.ts'
import { makerStreams } from './maker-streams.ts'
import { readAll, startMetered } from './metered.ts'
import { sdkVersions } from './sdk-versions.ts'

describe.each(sdkVersions)('InvokeModel by the SDK $version', ({ sdk }) => {
  const { InvokeModelCommand, InvokeModelWithResponseStreamCommand } = sdk

  test.each(makerAnswers)('$maker', async ({ modelId, request, answer, headers, recorded }) => {
    await using run = await startMetered(sdk)
    const reply = { json: answer, ...(headers && { headers }) }
    run.server.serve(reply, reply)
    const command = () => new InvokeModelCommand({ modelId, body: JSON.stringify(request) })
    const raw = await run.raw.send(command())
    expect(run.records).toEqual([])
    const metered = await run.metered.send(command())
    expect(Buffer.from(metered.body)).toEqual(Buffer.from(raw.body))
    expect(metered.body.transformToString()).toBe(raw.body.transformToString())
    const whole = { endpoint: 'invokeModel', requestedModel: modelId, ...recorded }
    expect(run.records).toMatchObject([whole])
    expect(run.records[0]?.details).toEqual(recorded.details ?? {})
    expect(run.errors).toEqual([])
  })

  test.each(makerStreams)('streamed, $maker', async ({ modelId, request, chunks, recorded }) => {
    await using run = await startMetered(sdk)
    const events = chunks.map(chunk)
    run.server.serve({ events }, { events })
    const body = Buffer.from(JSON.stringify(request))
    const command = () => new InvokeModelWithResponseStreamCommand({ modelId, body })
    const raw = await readAll((await run.raw.send(command())).body)
    expect(run.records).toEqual([])
    expect(await readAll((await run.metered.send(command())).body)).toEqual(raw)
    const whole = { endpoint: 'invokeModel', requestedModel: modelId, ...recorded }
    expect(run.records).toMatchObject([whole])
    expect(run.errors).toEqual([])
  })

  test('a stream that ends before anything was counted is an estimate', async () => {
    await using run = await startMetered(sdk)
    const words = 'The keeper lit the lamp. '.repeat(24)
    for (const event of [
      { generation: words, prompt_token_count: null },
      { outputText: words },
      { outputs: [{ text: words }] },
      { choices: [{ text: words }] },
      { contentBlockDelta: { delta: { text: words } } },
    ]) {
      run.records.length = 0
      run.server.serve({ events: [chunk(event)] })
      const body = JSON.stringify({ prompt: words })
      const answer = await run.metered.invokeModelWithResponseStream({ modelId: 'm', body })
      await readAll(answer.body)
      expect(run.records).toMatchObject([
        { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
      ])
      for (const count of [run.records[0]?.tokens.input, run.records[0]?.tokens.output]) {
        expect(count).toBeGreaterThan(90)
        expect(count).toBeLessThan(220)
      }
    }
  })

  test('the maker is known by the first event that shows it', async () => {
    await using run = await startMetered(sdk)
    const counts = { input_tokens: 9, cache_creation_input_tokens: 1, output_tokens: 1 }
    const lifetimes = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1 }
    const message = { id: 'msg_1', usage: { ...counts, cache_creation: lifetimes } }
    for (const first of [{ type: 'ping' }, {}, { future: 1 }]) {
      const delta = { stop_reason: 'end_turn' }
      const events = [
        first,
        { type: 'message_start', message },
        { type: 'message_delta', delta, usage: { output_tokens: 4 } },
        { type: 'message_stop' },
      ]
      run.server.serve({ events: events.map(chunk) })
      const input = { modelId: 'm', body: '{}' }
      await readAll((await run.metered.invokeModelWithResponseStream(input)).body)
    }
    const whole = {
      tokens: { input: 9, cachedInput: 0, cachedWrite: 1, output: 4 },
      details: { cachedWrite1h: 1 },
      responseId: 'msg_1',
    }
    expect(run.records).toMatchObject([whole, whole, whole])
    expect(run.errors).toEqual([])
  })

  test('an error beside what AWS counted is billed, and one in place of an answer is not', async () => {
    await using run = await startMetered(sdk)
    const error = 'blocked'
    const headers = {
      'x-amzn-bedrock-input-token-count': '9',
      'x-amzn-bedrock-output-token-count': '4',
    }
    const llama = { error, generation: 'Hi', prompt_token_count: 3, generation_token_count: 2 }
    run.server.serve({ json: { error }, headers }, { json: llama })
    run.server.serve({ json: { error } }, { json: { images: null, error } })
    run.server.serve({ json: { finish_reasons: ['Filter reason: prompt'] } })
    for (let call = 0; call < 5; call++) await run.metered.invokeModel({ modelId: 'm', body: '{}' })
    expect(run.records).toMatchObject([
      { tokens: { input: 9, output: 4 }, outcome: 'complete' },
      { tokens: { input: 3, output: 2 }, outcome: 'complete' },
    ])
    expect(run.records).toHaveLength(2)
    expect(run.errors).toEqual([])
  })

  test('a guardrail that refuses the prompt: no model was asked', async () => {
    await using run = await startMetered(sdk)
    const refused = {
      type: 'message',
      content: [{ type: 'text', text: 'I cannot say that.' }],
      'amazon-bedrock-guardrailAction': 'INTERVENED',
    }
    run.server.serve({ json: refused })
    run.server.serve({ events: [chunk({ completion: 'No.' }), chunk(refused)] })
    const body = JSON.stringify({ messages: [] })
    await run.metered.invokeModel({ modelId: 'm', body })
    await readAll((await run.metered.invokeModelWithResponseStream({ modelId: 'm', body })).body)
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('who pays can stand in the body, or in the metadata beside it', async () => {
    await using run = await startMetered(sdk, {
      customer: ({ body }) => body['metadata']?.user_id ?? body.requestMetadata?.customer,
    })
    const answer = { generation: 'Hello', prompt_token_count: 1, generation_token_count: 2 }
    run.server.serve({ json: answer }, { json: answer })
    await run.metered.invokeModel({
      modelId: 'meta.llama3-8b-instruct-v1:0',
      body: JSON.stringify({ prompt: 'Hi', metadata: { user_id: 'cus_body' } }),
    })
    await run.metered.invokeModel({
      modelId: 'meta.llama3-8b-instruct-v1:0',
      body: JSON.stringify({ prompt: 'Hi' }),
      requestMetadata: JSON.stringify({ customer: 'cus_beside' }),
    })
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_body', 'cus_beside'])
  })
})
