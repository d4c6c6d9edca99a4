import { describe, expect, test } from 'vitest'
import type { Call } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { callOptions, chatCompletion, chatScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const prompt = 'Say something short, please.'

describe.each(sdkMajors)('who pays for a call of ai $major', (sdk) => {
  const { ai } = sdk

  test('a function of the call', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    run.server.serve(chatScript)
    const calls: Call[] = []
    const model = run.meter(run.openai.chat('gpt-5.4'), (call) => {
      calls.push(call)
      return call.body.providerOptions?.openai?.user
    })
    const providerOptions = { openai: { user: 'cus_7' } }
    await ai.generateText({ model, prompt, providerOptions })
    await ai.streamText({ model, prompt, providerOptions }).text
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_7', 'cus_7'])
    expect(calls).toMatchObject([
      {
        provider: 'openai',
        endpoint: 'languageModel',
        method: 'doGenerate',
        body: { model: 'gpt-5.4', prompt: [{ role: 'user' }], providerOptions },
      },
      { method: 'doStream' },
    ])
  })

  test('withCustomer, and attributes', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatScript)
    const model = run.meter(run.openai.chat('gpt-5.4'), () => undefined, {
      attributes: ({ method }) => ({ feature: 'chat', method }),
    })
    await run.meter.withCustomer('cus_9', async () => await ai.streamText({ model, prompt }).text)
    expect(run.records).toMatchObject([
      { customer: 'cus_9', attributes: { feature: 'chat', method: 'doStream' } },
    ])
  })

  test('nobody: kept unattributed, or refused before it is sent', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    await run.meter(run.openai.chat('gpt-5.4'), () => undefined).doGenerate(callOptions)
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['missing-customer'])

    await using strict = await startMetered(sdk, { onMissingCustomer: 'throw' })
    const model = strict.meter(strict.openai.chat('gpt-5.4'), () => undefined)
    const refused = { code: 'missing-customer' }
    await expect(model.doGenerate(callOptions)).rejects.toMatchObject(refused)
    await expect(model.doStream(callOptions)).rejects.toMatchObject(refused)
    expect(strict.server.requests).toEqual([])
  })

  test('a function that throws, or writes, changes nothing of the call', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion, { times: 2 })
    await run
      .meter(run.openai.chat('gpt-5.4'), () => {
        throw new Error(prompt)
      })
      .doGenerate(callOptions)
    await run
      .meter(run.openai.chat('gpt-5.4'), (call) => {
        ;(call.body as { prompt: unknown }).prompt = []
        return 'cus_1'
      })
      .doGenerate(callOptions)
    expect(run.server.requests[1]?.rawBody).toContain(prompt)
    expect(run.records.map(({ customer }) => customer)).toEqual([null, null])
    expect(JSON.stringify(run.errors)).not.toContain(prompt)
  })

  test('an empty customer is refused at the line that wraps', async () => {
    await using run = await startMetered(sdk)
    expect(() => run.meter(run.openai('m'), '')).toThrow(TypeError)
    expect(() => run.meter(run.openai, undefined as never)).toThrow(TypeError)
  })
})
