import { expect, test } from 'vitest'
import { rawCall, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const content = 'some words of an answer '.repeat(20)
const usage = { prompt_tokens: 7, completion_tokens: 150, total_tokens: 157 }
const answer = JSON.stringify({
  id: 'c',
  model: 'gpt-5',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage,
})

/** @param length that the head of the answer states. */
async function answered(body: string, length: number) {
  await using upstream = await startRawUpstream((socket) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
    socket.write(head + body, () => {
      if (body.length < length) setTimeout(() => socket.resetAndDestroy(), 30)
    })
  })
  await using running = await startGateway(upstream.url)
  const path = '/openai/v1/chat/completions'
  const headers = [['Content-Type', 'application/json']] as const
  const asked = '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
  await rawCall(running.port, rawRequest({ path, headers, body: asked })).catch(() => {})
  await running.entry(1)
  return running.records
}

test('a whole answer that breaks off is estimated by what has come of it', async () => {
  const [record] = await answered(answer.slice(0, -3), answer.length)
  expect(record).toMatchObject({ outcome: 'estimated' })
  expect(record?.tokens.output).toBeGreaterThan(50)
  expect(record?.tokens.output).toBeLessThan(200)
})

test.each([
  ['is followed by something else', `${answer}garbage`, answer.length + 7],
  ['is shorter than its head says', answer, answer.length + 5],
])('what it says stands where it %s', async (_, body, length) => {
  expect(await answered(body, length)).toMatchObject([
    { tokens: { input: usage.prompt_tokens, output: usage.completion_tokens } },
  ])
})
