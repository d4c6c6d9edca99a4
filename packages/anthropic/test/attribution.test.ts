import { describe, expect, test } from 'vitest'
import type { Call } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { message, messageScript, request, streamed } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('who pays, on @anthropic-ai/sdk $version', ({ Anthropic }) => {
  test('a function finds the customer in the request', async () => {
    const calls: Call[] = []
    await using run = await startMetered(Anthropic, {
      customer: (call) => {
        calls.push(call)
        return call.body.metadata?.user_id
      },
    })
    run.server.serve(message)
    await run.metered.messages.create({ ...request, metadata: { user_id: 'cus_user' } })
    expect(run.records).toMatchObject([{ customer: 'cus_user' }])
    expect(calls).toMatchObject([{ provider: 'anthropic', endpoint: 'messages', method: 'POST' }])
    expect(calls[0]?.body.messages).toEqual(request.messages)
  })

  test('withCustomer names it where the client does not, through awaits and streams', async () => {
    await using run = await startMetered(Anthropic, { customer: () => undefined })
    run.server.serve(messageScript)
    run.server.serve(messageScript)
    await run.meter.withCustomer('cus_context', async () => {
      await Promise.resolve()
      for await (const _ of await run.metered.messages.create(streamed));
    })
    await run.meter.withCustomer('cus_other', () => run.metered.messages.stream(request).done())
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_context', 'cus_other'])
  })

  test('nobody: recorded, unattributed and reported', async () => {
    await using run = await startMetered(Anthropic, { customer: () => undefined })
    run.server.serve(message)
    await run.metered.messages.create(request)
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['missing-customer'])
  })

  test('nobody, and calls without a customer are refused: the request is not sent', async () => {
    await using run = await startMetered(Anthropic, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const refusal = { code: 'missing-customer' }
    await expect(run.metered.messages.create(request)).rejects.toMatchObject(refusal)
    await expect(run.metered.beta.messages.create(streamed)).rejects.toMatchObject(refusal)
    await expect(run.metered.messages.stream(request).finalMessage()).rejects.toThrow(/no customer/)
    expect(run.server.requests).toEqual([])
    // What costs nothing is not refused.
    run.server.serve({ input_tokens: 5 })
    await run.metered.messages.countTokens(request)
    run.server.serve(message)
    await run.meter.withCustomer('cus_1', () => run.metered.messages.create(request))
    expect(run.records).toHaveLength(1)
  })

  test('attributes, fixed or found in the call', async () => {
    await using run = await startMetered(Anthropic, {
      attributes: (call) => ({ feature: 'chat', messages: call.body.messages.length }),
    })
    run.server.serve(message)
    await run.metered.messages.create(request)
    expect(run.records[0]?.attributes).toEqual({ feature: 'chat', messages: '1' })
  })

  test('many customers on one client do not mix', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message, { times: 20 })
    const customers = Array.from({ length: 20 }, (_, index) => `cus_${index}`)
    await Promise.all(
      customers.map((customer) => run.meter(run.raw, customer).messages.create(request)),
    )
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual(customers.toSorted())
  })

  test.each([
    [{}, /plain object/],
    [null, /null/],
    ['client', /client/],
    [{ baseURL: 'x', post() {}, chat: { completions: {} } }, /plain object/],
  ])('the client %j is refused', async (client, what) => {
    await using run = await startMetered(Anthropic)
    expect(() => run.meter(client as never, 'cus_1')).toThrow(what)
    expect(() => run.meter(client as never, 'cus_1')).toThrow(/expected an Anthropic client/)
  })
})
