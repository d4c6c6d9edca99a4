import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startMetered } from './metered.ts'
import { chatCompletion, chatScript, countedTokens, toolCallCompletion } from './scripts.ts'
import { type Ai, sdkMajors } from './sdk-majors.ts'

const prompt = 'Say something short, please.'

const toolCalls = toolCallCompletion.choices[0]?.message.tool_calls ?? []
const chunk = { id: 'chatcmpl-1', created: 1, model: 'gpt-5.4-2026-03-05' }

/** A step of a streamed tool loop that asks for the tool. */
const toolCallScript = [
  {
    ...chunk,
    choices: [
      {
        index: 0,
        delta: { tool_calls: toolCalls.map((call) => ({ index: 0, ...call })) },
        finish_reason: null,
      },
    ],
  },
  { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  { ...chunk, choices: [], usage: toolCallCompletion.usage },
]

const weather = (ai: Ai) => ({
  weather: ai.tool({ inputSchema: z.object({}), execute: async () => 'sunny' }),
})

describe.each(sdkMajors)('ai $major', (sdk) => {
  const { ai } = sdk

  test('a streamed tool loop: one record a step', async () => {
    await using run = await startMetered(sdk)
    for (let step = 0; step < 3; step++) run.server.serve(toolCallScript)
    run.server.serve(chatScript)
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const stopWhen = ai.stepCountIs(9)
    await ai.streamText({ model, prompt, tools: weather(ai), stopWhen }).text
    expect(run.records.map(({ tokens }) => tokens)).toEqual(Array(4).fill(countedTokens))
    expect(run.errors).toEqual([])
  })

  test('an agent', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(toolCallCompletion)
    run.server.serve(chatCompletion)
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const Agent =
      ai.ToolLoopAgent ??
      (ai as unknown as { Experimental_Agent: Ai['ToolLoopAgent'] }).Experimental_Agent
    const agent = new Agent({ model, tools: weather(ai), stopWhen: ai.stepCountIs(5) })
    expect((await agent.generate({ prompt })).text).toBe('{"a":1}')
    expect(run.records).toHaveLength(2)
    expect(run.errors).toEqual([])
  })

  test('an output object, with telemetry; a streamed call that was refused first', async () => {
    await using run = await startMetered(sdk)
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    run.server.serve(chatCompletion)
    const output = ai.Output.object({ schema: z.object({ a: z.number() }) })
    const asked = { output, experimental_output: output }
    const experimental_telemetry = { isEnabled: true }
    await ai.generateText({ model, prompt, ...asked, experimental_telemetry } as never)
    expect(run.records).toHaveLength(1)

    const busy = { status: 503, headers: { 'retry-after-ms': '1' } }
    run.server.serve({ error: { message: 'busy' } }, busy)
    run.server.serve(chatScript)
    expect(await ai.streamText({ model, prompt, maxRetries: 2 }).text).toBe('{"a":1}')
    expect(run.records).toHaveLength(2)
    expect(run.errors).toEqual([])
  })
})
