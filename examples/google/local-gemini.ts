import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

const modelVersion = 'gemini-2.5-flash'

/** A stand-in for Gemini on this machine, with an answer to each request of the story. */
export async function startLocalGemini(): Promise<ReplayServer> {
  const server = await startReplayServer()
  server.serve(answer({ text: 'Air scatters blue light most.' }, 12, 8))
  const numbers = Array.from({ length: 30 }, (_, index) => index + 1)
  server.serve(
    numbers.map((number) => ({
      ...answer({ text: `${number} ` }, 7, number),
      candidates: [candidate({ text: `${number} ` }, number === numbers.length)],
    })),
    { gapMs: 10 },
  )
  server.serve(answer({ text: 'Hello, Ada.' }, 9, 4))
  server.serve(answer({ text: 'Ada.' }, 22, 2))
  server.serve(answer({ functionCall: { name: 'weather', args: { city: 'Paris' } } }, 48, 6))
  server.serve(answer({ text: 'It is clear in Paris.' }, 71, 7))
  return server
}

function answer(part: object, promptTokenCount: number, candidatesTokenCount: number) {
  const thoughtsTokenCount = 20
  const usageMetadata = {
    promptTokenCount,
    candidatesTokenCount,
    thoughtsTokenCount,
    totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
  }
  return { candidates: [candidate(part, true)], usageMetadata, modelVersion }
}

function candidate(part: object, isLast: boolean) {
  return {
    content: { role: 'model', parts: [part] },
    index: 0,
    ...(isLast && { finishReason: 'STOP' }),
  }
}
