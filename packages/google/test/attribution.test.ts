import { describe, expect, test } from 'vitest'
import type { Call } from '../src/index.ts'
import { readAll, startMetered } from './metered.ts'
import { contentAnswer, contentScript, interaction, model, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('who pays, on genai $major', ({ GoogleGenAI }) => {
  test('a function finds the customer in the request', async () => {
    const calls: Call[] = []
    await using run = await startMetered(GoogleGenAI, {
      customer: (call) => {
        calls.push(call)
        return `cus_${call.body.generationConfig.seed}`
      },
    })
    run.server.serve(contentAnswer)
    await run.metered.models.generateContent({ ...request, config: { seed: 7 } })
    expect(run.records).toMatchObject([{ customer: 'cus_7' }])
    expect(calls).toMatchObject([
      { provider: 'google', endpoint: 'generateContent', method: 'POST' },
    ])
    expect(calls[0]?.body).toMatchObject({
      model,
      contents: [{ parts: [{ text: request.contents }] }],
    })
    expect(Object.keys(calls[0]?.body ?? {})).toContain('contents')
  })

  test('withCustomer names it where the client does not, when the request is made', async () => {
    await using run = await startMetered(GoogleGenAI, { customer: () => undefined })
    run.server.serve(contentScript)
    run.server.serve(contentAnswer)
    run.server.serve(interaction())
    await run.meter.withCustomer('cus_context', async () => {
      await Promise.resolve()
      await readAll(await run.metered.models.generateContentStream(request))
    })
    const chat = run.metered.chats.create({ model })
    await run.meter.withCustomer('cus_other', () => chat.sendMessage({ message: 'x' }))
    await run.meter.withCustomer('cus_third', () =>
      run.metered.interactions.create({ model: 'm', input: 'x' } as never),
    )
    expect(run.records.map(({ customer }) => customer)).toEqual([
      'cus_context',
      'cus_other',
      'cus_third',
    ])
  })

  test('nobody: recorded, unattributed, reported', async () => {
    await using run = await startMetered(GoogleGenAI, { customer: () => undefined })
    run.server.serve(contentAnswer)
    await run.metered.models.generateContent(request)
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['missing-customer'])
  })

  test('nobody, and calls without a customer are refused: nothing is sent', async () => {
    await using run = await startMetered(GoogleGenAI, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const { models, chats, batches, interactions } = run.metered
    const asked = { model: 'm', input: 'x' } as never
    const refused: Promise<unknown>[] = [
      models.generateContent(request),
      models.generateContentStream(request),
      models.embedContent({ model, contents: 'x' }),
      chats.create({ model }).sendMessage({ message: 'x' }),
      chats.create({ model }).sendMessageStream({ message: 'x' }),
      batches.create({ model, src: [{ contents: 'x' }] }),
      interactions.create(asked),
    ]
    const answers = await Promise.allSettled(refused)
    expect(answers).toMatchObject(
      refused.map(() => ({ status: 'rejected', reason: { code: 'missing-customer' } })),
    )
    expect(run.server.requests).toEqual([])
    run.server.serve(contentAnswer)
    await run.meter.withCustomer('cus_1', () => run.metered.models.generateContent(request))
    expect(run.records).toHaveLength(1)
  })

  test('a customer function that throws does not disturb the call', async () => {
    await using run = await startMetered(GoogleGenAI, {
      customer: () => {
        throw new Error('lookup failed')
      },
    })
    run.server.serve(contentAnswer)
    expect((await run.metered.models.generateContent(request)).text).toBe('Hello there.')
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['observer', 'missing-customer'])
  })

  test('attributes and the provider option', async () => {
    await using run = await startMetered(GoogleGenAI, {
      provider: 'our-proxy',
      attributes: (call) => ({ feature: 'chat', turns: call.body.contents.length }),
    })
    run.server.serve(contentAnswer)
    await run.metered.models.generateContent(request)
    expect(run.records).toMatchObject([
      { provider: 'our-proxy', attributes: { feature: 'chat', turns: '1' } },
    ])
  })

  test.each(['', undefined, null, 7])(
    'the customer %j is refused when wrapping',
    async (customer) => {
      await using run = await startMetered(GoogleGenAI)
      expect(() => run.meter(run.raw, customer as never)).toThrow(TypeError)
    },
  )

  test.each([{}, null, { models: {} }])('the client %j is refused', async (client) => {
    await using run = await startMetered(GoogleGenAI)
    expect(() => run.meter(client as never, 'cus_1')).toThrow(/expected a Google client/)
  })
})
