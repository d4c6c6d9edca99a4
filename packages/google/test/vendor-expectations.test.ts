import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMeter, googleProvider, memoryOutbox } from '../src/index.ts'
import { readAll } from './metered.ts'
import { contentAnswer, contentScript, model } from './scripts.ts'
import { sdkMajors, type SdkClient } from './sdk-majors.ts'
import { settled, sideBySide, stubFetch } from './side-by-side.ts'

// What the test suite of js-genai asks of a client, asked of a metered one too: above all that its
// spies see the calls that they see in a raw client, and that what they answer comes out.

type Spied = Record<string, (...args: unknown[]) => unknown>
const inside = (client: SdkClient) =>
  client as unknown as { apiClient: Spied; models: Spied; chats: { modelsModule: Spied } }

const asked = { model, contents: 'why is the sky blue?' }
const hop = (text: string, finishReason: string, continuationToken?: string) => ({
  ...contentAnswer,
  candidates: [
    {
      content: { role: 'model', parts: [{ text }] },
      finishReason,
      ...(continuationToken !== undefined && { continuationToken }),
      index: 0,
    },
  ],
})

afterEach(() => void vi.unstubAllEnvs())

describe.each(sdkMajors)('client of genai $major', ({ GoogleGenAI }) => {
  const options = [
    { apiKey: 'k' },
    { apiKey: 'k', vertexai: true },
    { vertexai: true, project: 'p', location: 'global' },
    { apiKey: 'k', apiVersion: 'v1', httpOptions: { baseUrl: 'https://own.example', timeout: 5 } },
  ]
  test.each(options)('keeps its options: %j', async (given) => {
    const look = (client: SdkClient) => {
      const { apiClient, ...fields } = client as unknown as Record<string, unknown> & {
        apiClient: Record<string, never> & Record<'getBaseUrl', () => unknown>
      }
      const { clientOptions } = apiClient as unknown as {
        clientOptions: { uploader: object; httpOptions: object; auth: object }
      }
      return [
        Object.keys(fields),
        fields.apiKey,
        fields.vertexai,
        fields.project,
        fields.location,
        fields.apiVersion,
        apiClient.getBaseUrl(),
        clientOptions.httpOptions,
        clientOptions.uploader.constructor.name,
        clientOptions.auth.constructor.name,
      ]
    }
    await sideBySide(GoogleGenAI, look, given)
  })

  test('takes its key from the environment', async () => {
    vi.stubEnv('GEMINI_API_KEY', 'from-environment')
    await sideBySide(GoogleGenAI, (client) => (client as unknown as Spied).apiKey, {})
  })

  test('its modules hold the API client that it holds itself', async () => {
    await sideBySide(GoogleGenAI, (client) => {
      const { apiClient, models, chats } = inside(client)
      const modules = client as unknown as Record<string, { apiClient?: unknown }>
      return [
        models.apiClient === (apiClient as unknown),
        chats.modelsModule === models,
        Object.keys(modules).map((name) => [name, modules[name]?.apiClient === apiClient]),
      ]
    })
  })
})

describe.each(sdkMajors)('spies in genai $major', ({ major, GoogleGenAI }) => {
  test('on fetch see the request as the SDK makes it', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const calls = stubFetch(contentAnswer, contentScript)
      const config = {
        responseSchema: { $schema: 'x', type: 'OBJECT' },
        httpOptions: { headers: { own: '1' } },
      }
      const params = { ...asked, config }
      const answer = await client.models.generateContent(params as never)
      const chunks = await readAll(await client.models.generateContentStream(asked))
      return [answer, answer.text, chunks, calls(), params]
    })
    expect(records).toHaveLength(2)
  })

  test.each(['apiClient of the client', 'apiClient of models'])(
    'on request of the %s',
    async (where) => {
      const spied = async (client: SdkClient, callThrough: boolean) => {
        const api = where.endsWith('client')
          ? inside(client).apiClient
          : inside(client).models.apiClient
        stubFetch(contentAnswer)
        const spy = vi.spyOn(api as unknown as Spied, 'request')
        if (!callThrough) {
          spy.mockImplementation(async () => ({
            headers: {},
            json: async () => ({ ...contentAnswer }),
          }))
        }
        const answer = await client.models.generateContent(asked)
        const sees = (api as unknown as Spied).request
        const result = [answer.text, answer.usageMetadata, spy.mock.calls, vi.isMockFunction(sees)]
        spy.mockRestore()
        return [...result, Object.hasOwn(api as object, 'request')]
      }
      const through = await sideBySide(GoogleGenAI, (client) => spied(client, true))
      expect(through.records).toHaveLength(1)
      const mocked = await sideBySide(GoogleGenAI, (client) => spied(client, false))
      expect(mocked.records).toHaveLength(1)
    },
  )

  test('of the kind that asks the object for the function, and puts it back', async () => {
    const spyOn = (owner: Spied, name: string) => {
      const original = owner[name] as Spied[string]
      const spy = vi.fn(function (this: unknown, ...args: unknown[]) {
        return original.apply(this, args)
      })
      owner[name] = spy
      return { spy, restore: () => void (owner[name] = original) }
    }
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const { apiClient, models } = inside(client)
      const seen: unknown[] = []
      for (const [owner, name] of [
        [apiClient, 'request'],
        [apiClient, 'requestStream'],
        [models, 'generateContent'],
        [models, 'generateContentInternal'],
      ] as const) {
        stubFetch(contentAnswer, contentScript)
        const { spy, restore } = spyOn(owner, name)
        seen.push(await client.models.generateContent(asked))
        seen.push(await readAll(await client.models.generateContentStream(asked)))
        seen.push(spy.mock.calls.length)
        restore()
      }
      stubFetch(contentAnswer)
      seen.push(await client.models.generateContent(asked))
      return seen
    })
    expect(records).toHaveLength(9)
  })

  test('leave nothing of the meter in the raw client', async () => {
    const meter = createMeter({ providers: [googleProvider], outbox: memoryOutbox() })
    const raw = inside(new GoogleGenAI({ apiKey: 'k' }))
    const metered = inside(meter(raw as unknown as SdkClient, 'cus_1'))
    const records: unknown[] = []
    meter.on('usage', (record) => void records.push(record))
    for (const [owner, name] of [
      [metered.apiClient, 'request'],
      [metered.models, 'generateContent'],
      [metered.models, 'generateContentInternal'],
    ] as const) {
      const original = owner[name]
      owner[name] = vi.fn()
      owner[name] = original as never
    }
    stubFetch(contentAnswer)
    await raw.models.generateContent?.(asked)
    expect(records).toEqual([])
    await metered.models.generateContent?.(asked)
    expect(records).toHaveLength(1)
    await meter.close()
  })

  test('on request: gone again once it is restored', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      const { apiClient } = inside(client)
      const before = apiClient.request
      const spy = vi.spyOn(apiClient, 'request')
      spy.mockRestore()
      stubFetch(contentAnswer)
      await client.models.generateContent(asked)
      return [apiClient.request === before, spy.mock.calls.length]
    })
    expect(records).toHaveLength(1)
  })

  test('on requestStream', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      stubFetch(contentScript)
      const spy = vi.spyOn(inside(client).apiClient, 'requestStream')
      const chunks = await readAll(await client.models.generateContentStream(asked))
      return [chunks, spy.mock.calls]
    })
    expect(records).toHaveLength(1)
  })

  test.each([
    'unaryApiCall',
    'streamApiCall',
    'apiCall',
    'processStreamResponse',
    'getHeadersInternal',
  ])('on %s of the API client', async (name) => {
    await sideBySide(GoogleGenAI, async (client) => {
      stubFetch(contentAnswer, contentScript)
      const { apiClient } = inside(client)
      if (typeof apiClient[name] !== 'function') return 'none'
      const spy = vi.spyOn(apiClient, name)
      await client.models.generateContent(asked)
      await readAll(await client.models.generateContentStream(asked))
      return spy.mock.calls.length
    })
  })

  test('on generateContentInternal, whose answer comes out as the same object', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const { models } = inside(client)
      const last = hop('Hello.', 'STOP')
      const spy = vi.spyOn(models, 'generateContentInternal').mockResolvedValue(last)
      const answer = await client.models.generateContent(asked)
      return [answer === (last as never), spy.mock.calls]
    })
  })

  test('on the internals of every function that the SDK binds to its module', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      stubFetch({})
      const { models } = inside(client)
      const seen: unknown[] = []
      for (const name of [
        'generateImagesInternal',
        'embedContentInternal',
        'listInternal',
        'generateContentStreamInternal',
      ]) {
        if (typeof models[name] !== 'function') continue
        const spy = vi.spyOn(models, name).mockRejectedValue(new Error(`mocked ${name}`))
        seen.push(await settled(client.models.generateImages({ model, prompt: 'x' })))
        seen.push(await settled(client.models.embedContent({ model, contents: ['x'] })))
        seen.push(await settled(client.models.list().then(({ page }) => page)))
        seen.push(await settled(client.models.generateContentStream(asked).then(readAll)))
        seen.push(spy.mock.calls.length)
        spy.mockRestore()
      }
      return seen
    })
  })

  test('on an internal function that calls through: metered by its requests', async () => {
    const { records } = await sideBySide(GoogleGenAI, async (client) => {
      stubFetch(contentAnswer)
      const spy = vi.spyOn(inside(client).models, 'generateContentInternal')
      const answer = await client.models.generateContent(asked)
      return [answer.text, spy.mock.calls.length, spy.mock.results.length]
    })
    expect(records).toHaveLength(1)
  })

  test('on generateContentInternal: every hop of a continuation, with its tokens', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const spy = vi
        .spyOn(inside(client).models, 'generateContentInternal')
        .mockResolvedValueOnce(hop('One. ', 'CONTINUATION', 't1'))
        .mockResolvedValueOnce(hop('Two.', 'STOP'))
      const answer = await client.models.generateContent({
        ...asked,
        config: major > 2 ? { automaticContinuation: true } : {},
      } as never)
      return [answer.candidates, answer.usageMetadata, spy.mock.calls]
    })
  })

  test('on generateContentStreamInternal: streams of several hops', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      async function* stream(...chunks: object[]) {
        yield* chunks
      }
      const spy = vi
        .spyOn(inside(client).models, 'generateContentStreamInternal')
        .mockResolvedValueOnce(stream(hop('One. ', 'CONTINUATION', 't1')))
        .mockResolvedValueOnce(stream(hop('Two.', 'STOP')))
      const chunks = await readAll(await client.models.generateContentStream(asked))
      return [chunks, spy.mock.calls]
    })
  })

  test('on batches, caches, files, operations, tunings and tokens', async () => {
    await sideBySide(GoogleGenAI, async (client) => {
      const spy = vi.spyOn(inside(client).apiClient, 'request').mockImplementation(async () => ({
        headers: {},
        responseInternal: new Response('{}'),
        json: async () => ({ name: 'token' }),
      }))
      const seen = [
        await settled(client.batches.create({ model, src: [{ contents: 'x' }] } as never)),
        await settled(client.batches.get({ name: 'batches/b' })),
        await settled(client.batches.list().then(({ page }) => page)),
        await settled(client.caches.get({ name: 'cachedContents/1' })),
        await settled(client.files.get({ name: 'files/f' })),
        await settled(client.tunings.get({ name: 'tunedModels/t' })),
        await settled(client.authTokens.create({ config: { uses: 1 } })),
        await settled(client.models.countTokens(asked)),
      ]
      return [seen, spy.mock.calls]
    })
  })
})
