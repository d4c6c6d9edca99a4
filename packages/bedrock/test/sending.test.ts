import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type {
  BedrockRuntime,
  ConverseCommandOutput,
  Message,
} from '@aws-sdk/client-bedrock-runtime'
import { describe, expect, test, vi } from 'vitest'
import { readAll, startMetered, until } from './metered.ts'
import { clientConfig, sdkVersions } from './sdk-versions.ts'

const modelId = 'us.amazon.nova-lite-v1:0'
const messages: Message[] = [{ role: 'user', content: [{ text: 'Hi there' }] }]
const input = { modelId, messages }
const usage = { inputTokens: 12, outputTokens: 7, totalTokens: 19 }
const tokens = { input: 12, cachedInput: 0, cachedWrite: 0, output: 7 }
const answer = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  metrics: { latencyMs: 5 },
  usage,
}
const begun = [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } },
]
const events = [
  ...begun,
  { messageStop: { stopReason: 'end_turn' } },
  { metadata: { usage, metrics: { latencyMs: 5 } } },
]
const throttled = {
  status: 429,
  json: { message: 'slow down' },
  headers: { 'x-amzn-errortype': 'ThrottlingException' },
}
const estimated = { outcome: 'estimated', details: { estimated: ['input', 'output'] } }

type LooselyTyped = new (config: object) => Pick<BedrockRuntime, 'config' | 'middlewareStack'> & {
  send(...args: unknown[]): unknown
  converse(input: object): Promise<unknown>
}

// The collector, without a flag for the whole run.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe.each(sdkVersions)('the SDK $version', ({ sdk }) => {
  const { ConverseCommand, ConverseStreamCommand } = sdk

  test('the raw client stays unmetered, and its middleware as it was', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer }, { json: answer }, { json: answer })
    const before = run.raw.middlewareStack.identify()
    const command = new ConverseCommand(input)
    const own = command.middlewareStack.identify()
    await run.metered.send(command)
    expect(run.records).toHaveLength(1)
    expect(run.raw.middlewareStack.identify()).toEqual(before)
    expect(run.metered.middlewareStack.identify()).toEqual(before)
    // The SDK adds its own to the command with each sending, and nobody else does.
    expect(command.middlewareStack.identify().length).toBeGreaterThanOrEqual(own.length)
    await run.raw.send(new ConverseCommand(input))
    await run.raw.converse(input)
    expect(run.records).toHaveLength(1)
  })

  test('a callback gets the answer, or the error', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer }, { json: answer }, throttled)
    const sent = (options?: object) =>
      new Promise((resolve) => {
        const callback = (error: unknown, output?: ConverseCommandOutput) =>
          resolve(error ?? output?.usage)
        const returned: unknown =
          options === undefined
            ? run.metered.send(new ConverseCommand(input), callback)
            : run.metered.send(new ConverseCommand(input), options, callback)
        expect(returned).toBeUndefined()
      })
    expect(await sent()).toEqual(usage)
    expect(await sent({ requestTimeout: 5000 })).toEqual(usage)
    expect(await sent()).toMatchObject({ name: 'ThrottlingException' })
    expect(run.records).toMatchObject([{ tokens }, { tokens }])
  })

  test('retries are inside of one call, which is one record', async () => {
    await using run = await startMetered(sdk, { client: { maxAttempts: 3 } })
    run.server.serve(throttled, throttled, { json: answer }, throttled, { events })
    const { $metadata } = await run.metered.send(new ConverseCommand(input))
    expect($metadata).toMatchObject({
      attempts: 3,
      httpStatusCode: 200,
      requestId: 'aws-request-1',
    })
    await readAll((await run.metered.converseStream(input)).stream)
    expect(run.server.requests).toHaveLength(5)
    expect(run.records).toMatchObject([{ tokens }, { tokens }])
    expect(run.errors).toEqual([])
  })

  test('what was refused in the end bills nothing, and says so as it does raw', async () => {
    await using run = await startMetered(sdk, { client: { maxAttempts: 2 } })
    run.server.serve(throttled, throttled, throttled, throttled)
    const outcome = async (client: typeof run.raw) => {
      const error: unknown = await client.converse(input).catch((thrown: unknown) => thrown)
      const { name, message, $fault, $metadata } = error as Error & Record<string, object>
      return {
        name,
        message,
        $fault,
        of: error?.constructor,
        // The delays are drawn at random.
        $metadata: { ...$metadata, totalRetryDelay: 0 },
      }
    }
    expect(await outcome(run.metered)).toEqual(await outcome(run.raw))
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('nobody, where such calls are refused: nothing is sent', async () => {
    await using run = await startMetered(sdk, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    await expect(run.metered.converse(input)).rejects.toMatchObject({ code: 'missing-customer' })
    await expect(run.metered.converseStream(input)).rejects.toMatchObject({
      code: 'missing-customer',
    })
    expect(run.server.requests).toEqual([])
    run.server.serve({ json: answer })
    await run.meter.withCustomer('cus_9', () => run.metered.converse(input))
    expect(run.records).toMatchObject([{ customer: 'cus_9' }])
  })

  test('wrapped twice: one record, for who was named last', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer })
    await run.meter(run.metered, 'cus_2').send(new ConverseCommand(input))
    expect(run.records).toMatchObject([{ customer: 'cus_2' }])
  })

  test('a command that is sent by several clients is metered by those that meter', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer }, { json: answer }, { json: answer })
    const command = new ConverseCommand(input)
    await run.metered.send(command)
    await run.raw.send(command)
    await run.meter(run.raw, 'cus_2').send(command)
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_1', 'cus_2'])
  })

  test('lists of middleware that the SDK keeps are not mixed up between clients', async () => {
    await using run = await startMetered(sdk, { client: { cacheMiddleware: true } })
    const replies = Array.from({ length: 7 }, () => ({ json: answer }))
    run.server.serve(...replies)
    const other = run.meter(run.raw, 'cus_2')
    for (const client of [run.raw, run.metered, other, run.raw, run.metered, run.metered, other]) {
      await client.send(new ConverseCommand(input))
    }
    expect(run.records.map(({ customer }) => customer)).toEqual([
      'cus_1',
      'cus_2',
      'cus_1',
      'cus_1',
      'cus_2',
    ])
  })

  test("the application's middleware: what it changes is seen, and what it answers itself is free", async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer })
    const seen: string[] = []
    run.metered.middlewareStack.add(
      (next) => (args) => {
        seen.push('client')
        const changed = { ...args.input, modelId: 'us.amazon.nova-pro-v1:0' }
        return next({ ...args, input: changed })
      },
      { step: 'initialize' },
    )
    const command = new ConverseCommand(input)
    command.middlewareStack.add(
      (next) => (args) => {
        seen.push('command')
        return next(args)
      },
      { step: 'build' },
    )
    await run.metered.send(command)
    expect(seen).toEqual(['client', 'command'])
    expect(run.records).toMatchObject([{ model: 'us.amazon.nova-pro-v1:0' }])
    const kept = new ConverseCommand(input)
    kept.middlewareStack.add(() => async () => ({ output: answer, response: {} }) as never, {
      step: 'initialize',
      priority: 'high',
    })
    expect(await run.metered.send(kept)).toBe(answer)
    expect(run.records).toHaveLength(1)
  })

  test('subclasses: their methods, their private fields and their own send', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer }, { json: answer }, { json: answer })
    class Counting extends (sdk.BedrockRuntime as unknown as LooselyTyped) {
      #calls = 0
      override send(...args: unknown[]): unknown {
        this.#calls++
        return super.send(...args)
      }
      async ask() {
        await this.converse(input)
        return this.#calls
      }
    }
    class Shop extends sdk.BedrockRuntimeClient {
      #asked = 0
      async ask() {
        this.#asked++
        await this.send(new ConverseCommand(input))
        return this.#asked
      }
    }
    const config = clientConfig(run.server.url)
    expect(await run.meter(new Shop(config), 'cus_shop').ask()).toBe(1)
    expect(await run.meter(new Counting(config), 'cus_counting').ask()).toBe(1)
    await new Shop(config).ask()
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_shop', 'cus_counting'])
    expect(run.errors).toEqual([])
  })

  test('behind the first step the middleware is given the command itself', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answer }, { json: answer })
    const command = new ConverseCommand(input)
    const given: unknown[] = []
    run.raw.middlewareStack.add((next) => (args) => (given.push(args), next(args)), {
      step: 'serialize',
      priority: 'high',
    })
    for (const client of [run.raw, run.metered]) await client.send(command)
    expect(given.map((args) => args === command)).toEqual([true, true])
  })

  test('a mock is metered by what it resolves to, and a spy sees the calls', async () => {
    await using run = await startMetered(sdk)
    const mocked = structuredClone(answer)
    const mock = vi.spyOn(run.metered, 'send').mockResolvedValue(mocked as never)
    expect(await run.metered.send(new ConverseCommand(input))).toBe(mocked)
    expect(mock).toHaveBeenCalledOnce()
    expect(mock.mock.calls[0]?.[0].constructor).toBe(ConverseCommand)
    expect(run.records).toMatchObject([{ endpoint: 'converse', tokens }])
    expect(run.server.requests).toEqual([])
    mock.mockRestore()
    run.server.serve({ json: answer })
    await run.metered.send(new ConverseCommand(input))
    expect(run.records).toHaveLength(2)
  })

  test.each([1, 2] as const)(
    'aborted in the middle, over HTTP/%i: ends as it does raw',
    async (http) => {
      await using run = await startMetered(sdk, { http })
      const hanging = { events: begun, after: 'hang' } as const
      run.server.serve(hanging, hanging)
      const aborted = async (client: typeof run.raw) => {
        const abort = new AbortController()
        const seen: unknown[] = []
        const command = new ConverseStreamCommand(input)
        const { stream } = await client.send(command, { abortSignal: abort.signal })
        try {
          for await (const event of stream ?? []) {
            seen.push(event)
            if (event.contentBlockDelta !== undefined) abort.abort()
          }
          return { seen }
        } catch (error) {
          return { seen, error: String(error) }
        }
      }
      expect(await aborted(run.metered)).toEqual(await aborted(run.raw))
      expect(run.records).toMatchObject([estimated])
      expect(run.errors).toEqual([])
    },
  )

  test('aborted before the answer: no record', async () => {
    await using run = await startMetered(sdk)
    const abortSignal = AbortSignal.abort()
    await expect(run.metered.converse(input, { abortSignal })).rejects.toThrow()
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test.each([1, 2] as const)(
    'cut in the middle, over HTTP/%i: ends as it does raw',
    async (http) => {
      await using run = await startMetered(sdk, { http })
      const cut = { events: begun, after: 'cut' } as const
      run.server.serve(cut, cut)
      const outcome = async (client: typeof run.raw) => {
        const seen: unknown[] = []
        try {
          for await (const event of (await client.converseStream(input)).stream ?? [])
            seen.push(event)
          return { seen }
        } catch (error) {
          return { seen, error: String(error) }
        }
      }
      expect(await outcome(run.metered)).toEqual(await outcome(run.raw))
      expect(run.records).toMatchObject([estimated])
    },
  )

  test('of several iterators the one that is read is metered', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events })
    const { stream } = await run.metered.converseStream(input)
    const unread = stream?.[Symbol.asyncIterator]()
    expect(await readAll(stream)).toHaveLength(events.length)
    expect(run.records).toMatchObject([{ tokens, outcome: 'complete' }])
    await unread?.return?.()
    expect(run.records).toHaveLength(1)
  })

  test('left in the middle: recorded at once, with what was said', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events: begun, after: 'hang' })
    const { stream } = await run.metered.converseStream(input)
    for await (const event of stream ?? []) if (event.contentBlockDelta !== undefined) break
    expect(run.records).toMatchObject([estimated])
    expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
    expect(run.errors).toEqual([])
  })

  test('left in the middle and read on, as some versions of the SDK let their callers: as raw', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events }, { events })
    const readOn = async (client: typeof run.raw) => {
      const { stream } = await client.converseStream(input)
      for await (const event of stream ?? []) if (event.contentBlockDelta !== undefined) break
      return await readAll(stream)
    }
    expect(await readOn(run.metered)).toEqual(await readOn(run.raw))
    expect(run.records).toHaveLength(1)
  })

  test('left at the last word: the usage is read on for', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events })
    const { stream } = await run.metered.converseStream(input)
    for await (const event of stream ?? []) if (event.messageStop !== undefined) break
    await until(() => run.records.length > 0)
    expect(run.records).toMatchObject([{ tokens, outcome: 'complete' }])
  })

  test.each([1, 2] as const)('read late, over HTTP/%i: as it is raw', async (http) => {
    await using run = await startMetered(sdk, { http })
    run.server.serve({ events }, { events })
    const late = async (client: typeof run.raw) => {
      const { stream } = await client.converseStream(input)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return await readAll(stream).catch(String)
    }
    // Over HTTP/2 versions of the SDK lose what nobody has read when the stream ends.
    const raw = await late(run.raw)
    expect(await late(run.metered)).toEqual(raw)
    if (http === 1) expect(run.records).toMatchObject([{ tokens }])
  })

  test('never read, over HTTP/2: recorded once nobody can read it any more', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events: begun, after: 'hang' })
    const ask = async () => void (await run.metered.converseStream(input))
    await ask()
    await until(() => {
      collectGarbage()
      return run.records.length > 0
    })
    expect(run.records).toMatchObject([estimated])
  })

  test('`destroy` is the client’s own', async () => {
    await using run = await startMetered(sdk)
    const destroy = vi.spyOn(run.raw.config.requestHandler, 'destroy')
    run.metered.destroy()
    expect(destroy).toHaveBeenCalledOnce()
  })
})
