import { describe, expect, test } from 'vitest'
import type { Call } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, chatScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('who pays, on openai $major', ({ OpenAI }) => {
  test('a function finds the customer in the request', async () => {
    const calls: Call[] = []
    await using run = await startMetered(OpenAI, {
      customer: (call) => {
        calls.push(call)
        return call.body.user
      },
    })
    run.server.serve(chatCompletion)
    await run.metered.chat.completions.create({ ...chatRequest, user: 'cus_user' })
    expect(run.records).toMatchObject([{ customer: 'cus_user' }])
    expect(calls).toMatchObject([
      { provider: 'openai', endpoint: 'chat.completions', method: 'POST' },
    ])
    expect(calls[0]?.body.messages).toEqual(chatRequest.messages)
  })

  test('withCustomer names it where the client does not, through awaits and streams', async () => {
    await using run = await startMetered(OpenAI, { customer: () => undefined })
    run.server.serve(chatScript)
    run.server.serve(chatCompletion)
    await run.meter.withCustomer('cus_context', async () => {
      await Promise.resolve()
      for await (const _ of await run.metered.chat.completions.create({
        ...chatRequest,
        stream: true,
      }));
    })
    await run.meter.withCustomer('cus_other', () =>
      run.metered.chat.completions.create(chatRequest),
    )
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_context', 'cus_other'])
  })

  test("the client's own customer comes first", async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatCompletion)
    await run.meter.withCustomer('cus_context', () =>
      run.metered.chat.completions.create(chatRequest),
    )
    expect(run.records).toMatchObject([{ customer: 'cus_1' }])
  })

  test('nobody: recorded, unattributed, reported; attributed later', async () => {
    await using run = await startMetered(OpenAI, { customer: () => undefined })
    run.server.serve(chatCompletion)
    await run.metered.chat.completions.create(chatRequest)
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['missing-customer'])
    const [left] = await run.meter.outbox.unattributed()
    expect(await run.meter.outbox.attribute([left?.id ?? ''], 'cus_late')).toBe(1)
    expect(await run.meter.outbox.unattributed()).toEqual([])
  })

  test('nobody, and calls without a customer are refused: the request is not sent', async () => {
    await using run = await startMetered(OpenAI, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    await expect(run.metered.chat.completions.create(chatRequest)).rejects.toMatchObject({
      code: 'missing-customer',
    })
    await expect(run.metered.responses.create({ model: 'm', input: 'x' })).rejects.toThrow(
      /no customer/,
    )
    expect(run.server.requests).toEqual([])
    run.server.serve(chatCompletion)
    await run.meter.withCustomer('cus_1', () => run.metered.chat.completions.create(chatRequest))
    expect(run.records).toHaveLength(1)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('lookup failed')
      },
    ],
    ['answers a number', () => 7 as unknown as string],
    ['answers an empty string', () => ''],
  ])('a customer function that %s does not disturb the call', async (_, customer) => {
    await using run = await startMetered(OpenAI, { customer })
    run.server.serve(chatCompletion)
    expect((await run.metered.chat.completions.create(chatRequest)).id).toBe('chatcmpl-1')
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['observer', 'missing-customer'])
  })

  test('attributes, fixed or found in the call, never stand in for billing fields', async () => {
    await using run = await startMetered(OpenAI, {
      attributes: (call) => ({
        feature: 'chat',
        messages: call.body.messages.length,
        value: 999,
        model: 'cheap',
      }),
    })
    run.server.serve(chatCompletion)
    await run.metered.chat.completions.create(chatRequest)
    expect(run.records[0]?.attributes).toEqual({ feature: 'chat', messages: '1' })
    expect(run.errors.map(({ code }) => code)).toEqual(['observer', 'observer'])
  })

  test('attributes that hide a billing field are refused when the client is wrapped', async () => {
    await using run = await startMetered(OpenAI)
    expect(() => run.meter(run.raw, 'cus_1', { attributes: { token_type: 'free' } })).toThrow(
      /token_type/,
    )
  })

  test.each([
    ['', /empty string/],
    [undefined, /undefined/],
    [null, /null/],
    [7, /7/],
    ['  ', /empty/],
  ])('the customer %j is refused when the client is wrapped', async (customer, message) => {
    await using run = await startMetered(OpenAI)
    const wrap = () => run.meter(run.raw, customer as never)
    expect(wrap).toThrow(TypeError)
    expect(wrap).toThrow(message)
  })

  test.each([
    [{}, /plain object/],
    [null, /null/],
    [new Map(), /instance of Map/],
    ['client', /client/],
  ])('the client %j is refused', async (client, message) => {
    await using run = await startMetered(OpenAI)
    expect(() => run.meter(client as never, 'cus_1')).toThrow(message)
    expect(() => run.meter(client as never, 'cus_1')).toThrow(/expected an OpenAI client/)
  })
})
