import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { startMetered } from './metered.ts'
import { chatRequest } from './scripts.ts'

const words = Array.from({ length: 20 }, (_, index) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5.4',
  choices: [{ index: 0, delta: { content: `word ${index} ` }, finish_reason: null }],
}))

async function startCut() {
  const run = await startMetered(OpenAI as never)
  run.server.serve(words, { cutAfterEvents: 6 })
  const request = { ...chatRequest, stream: true } as const
  return { run, response: await run.metered.chat.completions.create(request).asResponse() }
}

describe('a raw response whose connection breaks', () => {
  it.each(['text', 'arrayBuffer', 'blob', 'json'] as const)('is recorded by %s()', async (way) => {
    const { run, response } = await startCut()
    await using _ = run
    await expect(response[way]()).rejects.toThrow()
    expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
  })

  it('is recorded when the first reading of it ends, not when a second is refused', async () => {
    const { run, response } = await startCut()
    await using _ = run
    const first = response.text()
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(run.records).toEqual([])
    await expect(first).rejects.toThrow()
    expect(run.records).toHaveLength(1)
  })

  it('is recorded once by a copy that gets to its end', async () => {
    const { run, response } = await startCut()
    await using _ = run
    const copy = response.clone()
    await expect(response.text()).rejects.toThrow()
    expect(run.records).toEqual([])
    await expect(copy.text()).rejects.toThrow()
    expect(run.records).toHaveLength(1)
  })

  it('counts what one copy gave, when another is left unread after it', async () => {
    const { run, response } = await startCut()
    await using _ = run
    const copy = response.clone()
    const reader = copy.body?.getReader()
    await reader?.read()
    await Promise.all([reader?.cancel(), response.body?.cancel()])
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
  })
})
