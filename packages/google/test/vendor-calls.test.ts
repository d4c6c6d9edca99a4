import { describe, expect, test, vi } from 'vitest'
import { readAll } from './metered.ts'
import { callableTool, contentAnswer, contentScript, model, toolCallAnswer } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { seenError, settled, sideBySide, stubFetch } from './side-by-side.ts'

// More of what the test suite of js-genai asks of a client: what its calls send and answer.

type Helpers = Record<string, unknown>

const asked = { model, contents: 'why is the sky blue?' }

describe.each(sdkMajors)('function calling in genai $major', ({ GoogleGenAI }) => {
  const failing = {
    ...(callableTool as object),
    callTool: async () => Promise.reject(new Error('tool')),
  }
  const declared = { functionDeclarations: [{ name: 'controlLight' }] }
  const cases = [
    ['with a tool', { tools: [callableTool] }],
    ['disabled', { tools: [callableTool], automaticFunctionCalling: { disable: true } }],
    [
      'of one call at most',
      { tools: [callableTool], automaticFunctionCalling: { maximumRemoteCalls: 1 } },
    ],
    [
      'without its history',
      { tools: [callableTool], automaticFunctionCalling: { ignoreCallHistory: true } },
    ],
    ['beside tools that it cannot call', { tools: [callableTool, declared] }],
    ['with a tool that throws', { tools: [failing] }],
  ] as const
  test.each(cases)('%s', async (_, config) => {
    await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(toolCallAnswer, contentAnswer)
      const params = { ...asked, config } as never
      const whole = await settled(client.models.generateContent(params))
      stubFetch([toolCallAnswer], contentScript)
      const stream = client.models.generateContentStream(params).then(readAll)
      return [whole, await settled(stream), calls(), Object.keys(params as object)]
    })
  })
})

describe.each(sdkMajors)('chats of genai $major', ({ GoogleGenAI }) => {
  const odd = [
    {},
    { candidates: [] },
    { candidates: [{}] },
    { candidates: [{ content: { parts: [{ text: '' }] } }] },
  ]
  test.each([contentAnswer, ...odd])('a mocked answer, also an invalid one: %j', async (answer) => {
    await sideBySide(GoogleGenAI, async (client) => {
      const spy = vi.spyOn(client.models, 'generateContent').mockResolvedValue(answer as never)
      const chat = client.chats.create({ model, config: { candidateCount: 1 } })
      const first = await chat.sendMessage({ message: 'one' })
      await chat.sendMessage({ message: 'two', config: { candidateCount: 2 } })
      return [first === (answer as never), spy.mock.calls, chat.getHistory(), chat.getHistory(true)]
    })
  })

  test('a mocked stream, read twice', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      async function* stream() {
        yield* contentScript
      }
      const spy = vi
        .spyOn(client.models, 'generateContentStream')
        .mockResolvedValue(stream() as never)
      const chat = client.chats.create({ model })
      const one = await readAll(await chat.sendMessageStream({ message: 'one' }))
      const two = await readAll(await chat.sendMessageStream({ message: 'two' }))
      return [one, two, spy.mock.calls, chat.getHistory()]
    })
  })

  test('a message after one that failed, and one after a stream that was left', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(400, contentScript, contentAnswer)
      const chat = client.chats.create({ model })
      const failure = await settled(chat.sendMessage({ message: 'one' }))
      for await (const _ of await chat.sendMessageStream({ message: 'two' })) break
      const histories = [chat.getHistory(), chat.getHistory(true)]
      const answer = await chat.sendMessage({ message: 'three' })
      return [failure, histories, answer.text, chat.getHistory(), calls()]
    })
    expect(records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
  })

  test('two streams of one chat at once, and messages that do not wait', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(contentScript)
      const chat = client.chats.create({ model })
      const streams = await Promise.all(
        ['one', 'two'].map((message) => chat.sendMessageStream({ message })),
      )
      const chunks = await Promise.all(streams.map(readAll))
      return [chunks, chat.getHistory(), calls()]
    })
    expect(records).toHaveLength(2)
  })

  test('function calling inside a chat keeps its history', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(toolCallAnswer, contentAnswer)
      const chat = client.chats.create({ model, config: { tools: [callableTool] } })
      await chat.sendMessage({ message: 'weather?' })
      return [chat.getHistory(), calls()]
    })
    expect(records).toHaveLength(2)
  })
})

describe.each(sdkMajors)('requests of genai $major', ({ major, GoogleGenAI }) => {
  const retryOptions = { attempts: 2 }
  test.each([
    [[503, contentAnswer], 1],
    [[503, 503], 0],
    [[400], 0],
  ] as const)('retries %j', async (answers, billed) => {
    const { records } = await sideBySide(
      GoogleGenAI,
      async (client) => {
        const calls = stubFetch(...answers)
        return [await settled(client.models.generateContent(asked)), calls()]
      },
      { apiKey: 'k', httpOptions: { retryOptions } as never },
    )
    expect(records).toHaveLength(billed)
  })

  test('aborted before it is sent', async () => {
    await sideBySide(
      GoogleGenAI,
      async (client) => {
        const config = { abortSignal: AbortSignal.abort() }
        return await settled(client.models.generateContent({ ...asked, config }))
      },
      { apiKey: 'k', httpOptions: { baseUrl: 'http://127.0.0.1:9' } },
    )
  })

  test('interactions: requests, retries and helpers', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const fields = { id: `v1_vendor_${major}_${Math.random()}`, status: 'completed', steps: [] }
      const calls = stubFetch(fields)
      const creating = client.interactions.create({ model: 'm', input: 'x' } as never)
      const helpers = ['asResponse', 'withResponse', 'then', 'catch', 'finally'].map(
        (name) => typeof (creating as unknown as Helpers)[name],
      )
      const created = await settled(creating.then((answer) => Object.keys(answer as object)))
      stubFetch(400)
      const failure = await creating.then(() => settled(client.interactions.get('gone')))
      const { class: name } = (failure as { thrown: { class: string } }).thrown
      return [helpers, creating.constructor.name, created, name, calls().length]
    })
  })

  test('what is refused at once is refused alike', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(contentAnswer)
      const thrown = () => {
        try {
          return client.chats.create({ model, history: [{ role: 'odd', parts: [{ text: 'x' }] }] })
        } catch (error) {
          return seenError(error)
        }
      }
      return [
        await settled(client.models.generateContent({ model: '', contents: 'x' })),
        await settled(client.models.generateContent({ model, contents: [] })),
        await settled(client.models.generateContentStream({ model } as never).then(readAll)),
        await settled(client.models.embedContent({ model } as never)),
        thrown(),
        calls().length,
      ]
    })
  })
})
