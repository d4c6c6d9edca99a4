import { chat as ask, toolDefinition } from '@tanstack/ai'
import { createOpenaiChat } from '@tanstack/ai-openai'
import { openaiProvider } from '@token-meter/openai'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { responseEvents } from './openai-replies.ts'
import { billed, startRun, toLoopback } from './run.ts'

it('TanStack AI, by the fetch of its client: each turn of a run with a tool', async () => {
  await using run = await startRun([openaiProvider])
  const adapter = createOpenaiChat('gpt-5.2', 'sk-test', {
    fetch: run.meter.fetch('cus_1', { fetch: toLoopback(run.server) }),
  })
  const weather = toolDefinition({
    name: 'weather',
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
  }).server(({ city }) => `Rain in ${city}.`)
  const wanted = { name: 'weather', args: { city: 'Riga' } }
  run.server.serve(responseEvents(wanted, { input: 90, cached: 64, output: 20, reasoning: 5 }))
  run.server.serve(responseEvents('It rains.', { input: 130, output: 7 }))
  let text = ''
  const messages = [{ role: 'user' as const, content: 'Weather in Riga?' }]
  for await (const chunk of ask({ adapter, messages, tools: [weather] })) {
    if (chunk.type === 'TEXT_MESSAGE_CONTENT') text += chunk.delta
  }
  expect(text).toBe('It rains.')
  expect(run.records.map(billed)).toEqual([
    'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 26 64 0 20 | complete',
    'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 130 0 0 7 | complete',
  ])
  expect(run.errors).toEqual([])
})

it('TanStack AI, one adapter for many customers: whoever the context around the reading names', async () => {
  await using run = await startRun([openaiProvider])
  const adapter = createOpenaiChat('gpt-5.2', 'sk-test', {
    fetch: run.meter.fetch(() => undefined, { fetch: toLoopback(run.server) }),
  })
  run.server.serve(responseEvents('Yes.', { input: 5, output: 1 }), { times: 2 })
  const read = async () => {
    const messages = [{ role: 'user' as const, content: 'Well?' }]
    for await (const chunk of ask({ adapter, messages })) void chunk
  }
  await Promise.all(['cus_1', 'cus_2'].map((customer) => run.meter.withCustomer(customer, read)))
  expect(run.records.map(({ customer }) => customer).toSorted()).toEqual(['cus_1', 'cus_2'])
})
