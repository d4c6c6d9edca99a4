import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

/** A stand-in for OpenAI, with the answers that this example asks for. */
export interface LocalProvider extends AsyncDisposable {
  readonly baseUrl: string
}

const answer = { id: 'chatcmpl-1', created: 1, model: 'gpt-5.4-mini-2026-03-17' }

export async function startLocalProvider(): Promise<LocalProvider> {
  const server = await startReplayServer()
  serveToolLoop(server)
  serveStream(server)
  return {
    baseUrl: `${server.url}/v1`,
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function serveToolLoop(server: ReplayServer): void {
  const call = { id: 'call_1', type: 'function', function: { name: 'stock', arguments: '{}' } }
  server.serve({
    ...answer,
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        message: { role: 'assistant', content: null, tool_calls: [call] },
      },
    ],
    usage: usage(58, 12),
  })
  server.serve({
    ...answer,
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'There are 12 tins left.' },
      },
    ],
    usage: usage(83, 9, 64),
  })
}

function serveStream(server: ReplayServer): void {
  const words = ['Steam ', 'writes ', 'slowly, ', 'and ', 'forgets.']
  server.serve(
    [
      ...words.map((content) => ({
        ...answer,
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      })),
      { ...answer, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...answer, choices: [], usage: usage(12, 8) },
    ],
    { gapMs: 20 },
  )
}

function usage(prompt: number, completion: number, cached = 0): object {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  }
}
