import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatScript, message, messageScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const secret = 'correct horse battery staple'
const answer = 'the answer nobody may see'

describe.each(sdkMajors)('no text of a conversation, with ai $major', (sdk) => {
  test('in records and errors', async () => {
    await using run = await startMetered(sdk)
    const said = JSON.parse(
      JSON.stringify([chatCompletion, chatScript, message, messageScript])
        .replaceAll('{\\"a\\":1}', answer)
        .replaceAll('1}', answer)
        .replaceAll('hello', answer)
        .replaceAll('lo"', `${answer}"`),
    ) as [object, object[], object, object[]]
    const odd = { ...said[0], usage: { prompt_tokens: answer, completion_tokens: -1 } }
    const broken = { ...said[0], choices: answer }
    for (const reply of [...said, odd, broken]) run.server.serve(reply as never)
    run.server.serve(said[1] as never, { cutAfterEvents: 3 })
    const openai = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const anthropic = run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1')
    const options = {
      prompt: [{ role: 'user', content: [{ type: 'text', text: secret }] }],
      tools: [
        { type: 'function', name: 'f', description: secret, inputSchema: { type: 'object' } },
      ],
      headers: { 'x-secret': secret },
    } as never
    const ask = async (model: typeof openai, isStream: boolean) => {
      try {
        if (!isStream) return void (await model.doGenerate(options))
        for await (const _ of (await model.doStream(options)).stream);
      } catch {
        // The caller's to handle.
      }
    }
    await ask(openai, false)
    await ask(openai, true)
    await ask(anthropic, false)
    await ask(anthropic, true)
    await ask(openai, false)
    await ask(openai, false)
    await ask(openai, true)
    expect(run.records).toHaveLength(7)
    const kept = JSON.stringify([
      run.records.map((record) => ({ ...record, raw: null })),
      run.errors.map(({ message, code }) => [message, code]),
    ])
    expect(kept).not.toContain(secret)
    expect(kept).not.toContain('nobody may see')
    expect(kept).not.toContain('sk-test')
  })
})
