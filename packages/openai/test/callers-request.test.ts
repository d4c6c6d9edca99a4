import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, chatScript, countedTokens } from './scripts.ts'
import { type Side, sideBySide } from './side-by-side.ts'
import { sdkMajors } from './sdk-majors.ts'

const imageList = {
  created: 1,
  data: [{}],
  usage: { input_tokens: 2, output_tokens: 3, total_tokens: 5 },
}

/** How often each of some getters was read while the work was done. */
type Reads = Record<string, number>

/** The same fields, each behind a getter. */
function behindGetters(fields: Readonly<Record<string, unknown>>, reads: Reads): object {
  const object = {}
  for (const [name, value] of Object.entries(fields)) {
    const get = (): unknown => {
      reads[name] = (reads[name] ?? 0) + 1
      return value
    }
    Object.defineProperty(object, name, { enumerable: true, configurable: true, get })
  }
  return object
}

describe.each(sdkMajors)("the caller's request on openai $major", ({ OpenAI }) => {
  test('may be changed once it is sent: the model that was asked is billed', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve(imageList, { times: 2 })
    const params = { model: 'gpt-image-2', prompt: 'x' }
    const first = run.metered.images.generate(params)
    const answered = first.then((list) => list.created)
    await new Promise((resolve) => setImmediate(resolve))
    params.model = 'gpt-image-2-mini'
    await Promise.all([answered, run.metered.images.generate(params)])
    expect(run.records.map(({ model }) => model).toSorted()).toEqual([
      'gpt-image-2',
      'gpt-image-2-mini',
    ])
  })

  test('is counted as it was sent, when its stream is cut off after it was changed', async () => {
    const inputOf = async (change: (messages: object[]) => void): Promise<number | undefined> => {
      await using run = await startMetered(OpenAI, { provider: 'openai' })
      run.server.serve(chatScript)
      const messages: object[] = [{ role: 'user', content: 'Tell me a story of a dragon.' }]
      const body = { ...chatRequest, messages, stream: true as const }
      const stream = await run.metered.chat.completions.create(body as never)
      change(messages)
      for await (const _ of stream as unknown as AsyncIterable<unknown>) break
      await run.meter.flush()
      expect(run.records).toMatchObject([{ outcome: 'estimated' }])
      return run.records[0]?.tokens.input
    }
    const sent = await inputOf(() => {})
    expect(sent).toBeGreaterThan(5)
    expect(
      await inputOf((messages) => messages.push({ role: 'user', content: 'x '.repeat(999) })),
    ).toBe(sent)
    expect(await inputOf((messages) => (messages.length = 0))).toBe(sent)
  })

  test('has its getters run by the SDK alone, also where its stream is cut off', async () => {
    const counted: Reads[] = []
    await sideBySide(
      OpenAI,
      async ({ client }: Side) => {
        const reads: Reads = {}
        counted.push(reads)
        const { model, ...fields } = chatRequest
        const body = Object.assign(behindGetters(fields, reads), { model, stream: true })
        for await (const _ of (await client.chat.completions.create(
          body as never,
        )) as unknown as AsyncIterable<unknown>)
          break
      },
      () =>
        new Response(chatScript.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''), {
          headers: { 'content-type': 'text/event-stream' },
        }),
    )
    expect(counted[1]).toEqual(counted[0])
  })

  test('with a getter that fails when it is read once more than the SDK reads it', async () => {
    const { raw, metered } = await sideBySide(
      OpenAI,
      ({ client }: Side) => {
        let reads = 0
        const body = Object.create(
          {},
          {
            messages: { value: [], enumerable: true },
            model: {
              enumerable: true,
              get() {
                reads++
                if (reads > 2) throw new Error('read too often')
                return 'm'
              },
            },
          },
        ) as object
        return client.post('/chat/completions', { body })
      },
      () => Response.json(chatCompletion),
    )
    expect(metered).toEqual(raw)
  })

  test('is not read for the meter: neither its conversation nor its headers', async () => {
    const counted: Reads[] = []
    const { raw, metered } = await sideBySide(
      OpenAI,
      async ({ client }: Side) => {
        const reads: Reads = {}
        counted.push(reads)
        const { model, ...fields } = chatRequest
        const body = Object.assign(behindGetters(fields, reads), { model })
        const headers = behindGetters({ 'x-mine': '1' }, reads)
        await client.chat.completions.create(body as never, { headers: headers as never })
      },
      () => Response.json(chatCompletion),
    )
    expect(metered).toEqual(raw)
    expect(counted[1]).toEqual(counted[0])
  })

  test('as text is read as well', async () => {
    await using run = await startMetered(OpenAI, { provider: 'openai' })
    run.server.serve(chatScript)
    const body = JSON.stringify({ ...chatRequest, stream: true })
    const headers = { 'content-type': 'application/json' }
    const stream = await run.metered.post('/chat/completions', { body, headers, stream: true })
    for await (const _ of stream as AsyncIterable<unknown>);
    expect(run.records).toMatchObject([
      { tokens: countedTokens, outcome: 'complete', requestedModel: chatRequest.model },
    ])
    expect(run.errors).toEqual([])
  })

  test.each<[what: string, work: (side: Side) => unknown]>([
    ['text that is no JSON', ({ client }) => client.post('/chat/completions', { body: '{nope' })],
    ['bytes', ({ client }) => client.post('/chat/completions', { body: new Uint8Array([123]) })],
    ['a list', ({ client }) => client.post('/chat/completions', { body: [1] })],
    [
      'options that cannot be read',
      ({ client }) =>
        client.request({
          method: 'post',
          get path(): string {
            throw new Error('no path')
          },
        } as never),
    ],
    [
      'a path that is no text',
      ({ client }) =>
        client.get({
          toString(): string {
            throw new Error('no text')
          },
        } as never),
    ],
    [
      'a client without a base URL',
      ({ client }) => {
        client.baseURL = undefined as never
        return client.models.list()
      },
    ],
  ])('%s: as raw', async (_, work) => {
    const kind = (side: Side) => {
      try {
        const answer = work(side)
        return Promise.resolve(answer).then(
          (value) => ['resolved', value],
          (error) => ['rejected', String(error)],
        )
      } catch (error) {
        return ['threw', String(error)]
      }
    }
    const { raw, metered } = await sideBySide(OpenAI, kind, () => Response.json(chatCompletion))
    expect(metered).toEqual(raw)
  })
})
