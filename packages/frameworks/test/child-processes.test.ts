import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openaiProvider } from '@token-meter/openai'
import { expect, describe, it } from 'vitest'
import {
  recordAgentResult,
  type ModelTotals,
  type SessionTotals,
} from '../src/claude-agent-usage.ts'
import { recordCodexTurn, type ThreadTotals } from '../src/codex-usage.ts'
import { startRun } from './run.ts'

const sonnet = 'claude-sonnet-5'
const haiku = 'claude-haiku-5'

function modelTotals([input, cached, written, output]: number[], rest = {}): ModelTotals {
  return {
    inputTokens: input!,
    cacheReadInputTokens: cached!,
    cacheCreationInputTokens: written!,
    outputTokens: output!,
    webSearchRequests: 0,
    ...rest,
  }
}

let results = 0

function result(session_id: string, modelUsage: Record<string, ModelTotals>, is_error = false) {
  const uuid = `5f9c3a10-0000-4000-8000-${String(results++).padStart(12, '0')}`
  return { type: 'result', uuid, session_id, is_error, modelUsage }
}

describe('Claude Agent SDK, from its results', () => {
  it('records the differences of running totals, by model, also resumed, forked, cleared and failed', async () => {
    await using run = await startRun([openaiProvider])
    const totals: SessionTotals = new Map()
    const record = (message: ReturnType<typeof result>, resumed?: string) =>
      recordAgentResult(run.meter, message, {
        customer: 'cus_1',
        totals,
        ...(resumed && { resumed }),
      })
    const lifetimes = {
      cacheCreationEphemeral5mInputTokens: 60,
      cacheCreationEphemeral1hInputTokens: 40,
    }

    const first = result('s1', {
      [sonnet]: modelTotals([10, 500, 100, 40], { ...lifetimes, thinkingTokens: 12 }),
    })
    await record(first)
    await record(first)
    await record(
      result('s1', {
        [sonnet]: modelTotals([16, 1100, 100, 70], {
          ...lifetimes,
          thinkingTokens: 15,
          webSearchRequests: 2,
        }),
        [haiku]: modelTotals([300, 0, 0, 9]),
      }),
    )
    // Nothing new, and a start that failed.
    await record(
      result('s1', {
        [haiku]: modelTotals([300, 0, 0, 9]),
        [sonnet]: modelTotals([16, 1100, 100, 70]),
      }),
    )
    await record(result('s1', { [sonnet]: modelTotals([0, 0, 0, 0]) }, true))
    // Forked into another session, whose totals begin with those of the first.
    await record(
      result('s2', {
        [sonnet]: modelTotals([20, 1100, 100, 75]),
        [haiku]: modelTotals([300, 0, 0, 9]),
      }),
      's1',
    )
    // After /clear.
    await record(result('s2', { [sonnet]: modelTotals([5, 0, 0, 6]) }))

    expect(run.records.map(({ model, tokens }) => [model, ...Object.values(tokens)])).toEqual([
      [sonnet, 10, 500, 100, 40],
      [sonnet, 6, 600, 0, 30],
      [haiku, 300, 0, 0, 9],
      [sonnet, 4, 0, 0, 5],
      [sonnet, 5, 0, 0, 6],
    ])
    expect(run.records[0]?.details).toMatchObject({
      reasoning: 12,
      cachedWrite5m: 60,
      cachedWrite1h: 40,
    })
    expect(run.records[1]?.details).toMatchObject({ reasoning: 3, webSearchRequests: 2 })
    expect(run.errors).toEqual([])
  })
})

describe('Codex SDK, from its turns', () => {
  it('records the differences of running totals, cached input apart', async () => {
    await using run = await startRun([openaiProvider])
    const totals = new Map<string, ThreadTotals>()
    const usage = ([input, cached, output, reasoning]: number[]): ThreadTotals => ({
      input_tokens: input!,
      cached_input_tokens: cached!,
      cache_write_input_tokens: 0,
      output_tokens: output!,
      reasoning_output_tokens: reasoning!,
    })
    const turn = { customer: 'cus_1', threadId: 'th_1', model: 'gpt-5.4-codex', totals }
    await recordCodexTurn(run.meter, usage([1000, 600, 50, 20]), turn)
    await recordCodexTurn(run.meter, usage([2500, 1900, 90, 25]), turn)
    await recordCodexTurn(run.meter, usage([300, 0, 8, 0]), { ...turn, threadId: 'th_2' })
    expect(
      run.records.map(({ tokens, details }) => [...Object.values(tokens), details.reasoning]),
    ).toEqual([
      [400, 600, 0, 50, 20],
      [200, 1300, 0, 40, 5],
      [300, 0, 0, 8, 0],
    ])
  })
})

it.each(['claude-agent-usage', 'codex-usage'])(
  'the page has the recipe that runs here: %s',
  (name) => {
    const repository = join(import.meta.dirname, '../../..')
    const page = readFileSync(join(repository, 'docs/frameworks/child-processes.md'), 'utf8')
    const recipe = readFileSync(join(import.meta.dirname, `../src/${name}.ts`), 'utf8')
    expect(page.includes(recipe)).toBe(true)
  },
)
