import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatRequest, chatUsage } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes(): number {
  for (let round = 0; round < 3; round++) collectGarbage()
  return process.memoryUsage().heapUsed
}

const events = 20_000
const script = [
  ...Array.from({ length: events }, (_, index) => ({
    model: 'gpt-5.4',
    choices: [{ index: 0, delta: { content: `token ${index} ` }, finish_reason: null }],
  })),
  { model: 'gpt-5.4', choices: [], usage: chatUsage },
]

describe.each(sdkMajors)('openai $major', ({ OpenAI }) => {
  test('a stream of 20,000 chunks holds no more memory at its end than at its start', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(script)
    const stream = await run.metered.chat.completions.create({ ...chatRequest, stream: true })
    let chunks = 0
    let early = 0
    for await (const _ of stream) {
      chunks++
      if (chunks === 1000) early = heapBytes()
      // 300 bytes a chunk would be more than 5 MB by now.
      if (chunks === events - 100) expect(heapBytes() - early).toBeLessThan(2_000_000)
    }
    expect(chunks).toBe(events)
    expect(run.records).toHaveLength(1)
  })

  test('nothing is read ahead: a caller who stops pulling stops the upstream', async () => {
    await using run = await startMetered(OpenAI)
    const large = Array.from({ length: 400 }, () => ({
      choices: [{ index: 0, delta: { content: 'x'.repeat(100_000) }, finish_reason: null }],
    }))
    run.server.serve(large)
    const stream = await run.metered.chat.completions.create({ ...chatRequest, stream: true })
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    await new Promise((resolve) => setTimeout(resolve, 200))
    // What fits the sockets' and the fetch's own buffers, of 40 MB.
    expect(run.server.requests[0]?.eventsSent).toBeLessThan(200)
    await iterator.return?.()
    expect(run.records).toHaveLength(1)
  })
})
