import { expect, test } from 'vitest'
import { startChat } from './test-server.ts'

test('a port that is taken, or none, ends the start with what to do about it', async () => {
  await using server = await startChat()
  const { port } = new URL(server.url)
  for (const [PORT, message] of [
    [port, `Port ${port} is taken`],
    ['http', 'PORT must be a number'],
    ['70000', 'PORT must be a number'],
  ] as const) {
    const error = await startChat({ PORT }).catch((cause: unknown) => String(cause))
    expect(error).toContain(message)
    expect(error).not.toContain('    at ')
  }
})
