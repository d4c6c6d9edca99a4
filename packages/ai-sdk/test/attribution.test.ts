import { describe, expect, test } from 'vitest'
import type { Call } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { chatCompletion, chatScript } from './scripts.ts'
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

  test('an empty customer is refused at the line that wraps', async () => {
    await using run = await startMetered(sdk)
    expect(() => run.meter(run.openai('m'), '')).toThrow(TypeError)
    expect(() => run.meter(run.openai, undefined as never)).toThrow(TypeError)
  })
})
