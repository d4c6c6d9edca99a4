import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { chatRequest, chatScript, countedTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const streamed = { ...chatRequest, stream: true } as const
const asked = { ...streamed, stream_options: { include_usage: true } }

async function eventsOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const events: unknown[] = []
  for await (const event of stream) events.push(event)
  return events
}

const ending = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error: Error) => error.name,
  )

/** `withResponse()` of a stream hands out two ways to read one body: either is metered, once. */
describe.each(sdkMajors)('withResponse of a stream on openai $major', ({ OpenAI }) => {
  const read = async (response: Response): Promise<string> => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(piece, { stream: true })
    }
    return text
  }

  test.each([
    ['text', async (response: Response) => response.text()],
    ['body', read],
  ] as const)('read as the %s of the response', async (_, readBody) => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript, { times: 2 })
    const { response, data } = await run.metered.chat.completions.create(streamed).withResponse()
    expect(response.body).toBe(response.body)
    const text = await readBody(response)
    expect(text.match(/^data: /gm)).toHaveLength(chatScript.length)
    expect(text).not.toContain('usage')
    expect(run.records.map(({ tokens, outcome }) => [tokens, outcome])).toEqual([
      [countedTokens, 'complete'],
    ])
    // The body is gone, for the stream as well.
    const raw = await run.raw.chat.completions.create(streamed).withResponse()
    await readBody(raw.response)
    const rawStream = await ending(eventsOf(raw.data))
    expect(await ending(eventsOf(data))).toEqual(rawStream)
    expect(run.records).toHaveLength(1)
  })

  test('read as the stream, though the body was looked at', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript, { times: 2 })
    const raw = await run.raw.chat.completions.create(streamed).withResponse()
    await eventsOf(raw.data)
    const { response, data } = await run.metered.chat.completions.create(streamed).withResponse()
    expect(response.body).not.toBeNull()
    expect(await eventsOf(data)).toHaveLength(chatScript.length - 1)
    expect(response.bodyUsed).toBe(raw.response.bodyUsed)
    expect(await ending(response.text())).toBe(await ending(raw.response.text()))
    expect(run.records.map(({ tokens, outcome }) => [tokens, outcome])).toEqual([
      [countedTokens, 'complete'],
    ])
  })

  test('who asked for the usage gets it, by either way', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript, { times: 2 })
    const { response } = await run.metered.chat.completions.create(asked).withResponse()
    expect(await response.text()).toContain('"usage":{')
    const { data } = await run.metered.chat.completions.create(asked).withResponse()
    expect(await eventsOf(data)).toHaveLength(chatScript.length)
    expect(run.records).toHaveLength(2)
  })

  test('a body that is cancelled leaves one record', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript)
    const { response } = await run.metered.chat.completions.create(streamed).withResponse()
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(run.records).toHaveLength(1)
  })

  test('the stream object may be dropped while the body is read', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript)
    const bodyOf = async () =>
      (await run.metered.chat.completions.create(streamed).withResponse()).response
    const response = await bodyOf()
    for (let round = 0; round < 5; round++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(run.records).toEqual([])
    await response.text()
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('dropped unread it is one estimate', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(chatScript)
    const drop = async () =>
      void (await run.metered.chat.completions.create(streamed).withResponse())
    await drop()
    const gc = setInterval(collectGarbage, 5)
    await until(() => run.records.length > 0, 'the response is collected')
    clearInterval(gc)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })
})
