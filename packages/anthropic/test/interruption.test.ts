import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type Metered as Run, startMetered, until } from './metered.ts'
import { countedTokens, messageScript, request, scriptOf, streamed } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

// The collector, without a flag for the whole run.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Exact input from `message_start`; the output is estimated, unless it was given. */
const exactInput = { input: 10, cachedInput: 1000, cachedWrite: 100 }
const estimated = {
  tokens: exactInput,
  outcome: 'estimated',
  details: { cachedWrite5m: 60, cachedWrite1h: 40, estimated: ['output'] },
}

const own = async (sent: unknown, next: (sent: unknown) => Promise<Response>) => await next(sent)
const ways = sdkMajors.flatMap(({ version, Anthropic }) => [
  { version, way: 'as it comes', Anthropic, client: {} },
  ...(version === 0.6
    ? []
    : [{ version, way: 'with middleware', Anthropic, client: { middleware: [own] } }]),
])

describe.each(ways)(
  'a stream of @anthropic-ai/sdk $version, $way, that ends early (openllmetry#3151)',
  ({ Anthropic, client }) => {
    const start = () => startMetered(Anthropic, { client })

    /** One record of what is known, and of nobody's fault. */
    async function recordedOnce(run: Run) {
      await until(() => run.records.length > 0, 'the stream is recorded')
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(run.records).toMatchObject([estimated])
      expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
      expect(run.errors).toEqual([])
    }

    test('left at its first event: exact input, nothing put out', async () => {
      await using run = await start()
      run.server.serve(messageScript, { gapMs: 40 })
      for await (const _ of await run.metered.messages.create(streamed)) break
      await until(() => run.records.length > 0, 'the stream is recorded')
      expect(run.records).toMatchObject([estimated])
    })

    test('aborted by its controller: ends as raw does', async () => {
      await using run = await start()
      run.server.serve(messageScript, { gapMs: 20 })
      const stream = await run.metered.messages.create(streamed)
      let events = 0
      for await (const _ of stream) if (++events === 3) stream.controller.abort()
      await recordedOnce(run)
    })

    test('a helper stream that is aborted', async () => {
      await using run = await start()
      run.server.serve(messageScript, { gapMs: 20 })
      const stream = run.metered.messages.stream(request)
      stream.on('text', () => stream.abort())
      await expect(stream.finalMessage()).rejects.toThrow(/abort/i)
      await recordedOnce(run)
    })

    test.each([
      ['text_delta', { type: 'text_delta', text: 'some words' }],
      ['thinking_delta', { type: 'thinking_delta', thinking: 'some words' }],
      ['input_json_delta', { type: 'input_json_delta', partial_json: '{"some":"words"}' }],
    ])('%s is counted', async (_, delta) => {
      await using run = await start()
      run.server.serve(scriptOf([{ type: 'content_block_delta', index: 0, delta }]), { gapMs: 10 })
      for await (const event of await run.metered.messages.create(streamed)) {
        if (event.type === 'content_block_delta') break
      }
      await recordedOnce(run)
    })

    test.each([
      ['its object', (response: Response) => response.body],
      ['a clone of it', (response: Response) => (response.clone(), response.body)],
    ])('a response that is still read while %s is gone is not given up', async (_, bodyOf) => {
      await using run = await start()
      run.server.serve(messageScript, { gapMs: 20 })
      const body = bodyOf(await run.metered.messages.create(streamed).asResponse())
      const reader = body!.getReader()
      for (;;) {
        collectGarbage()
        if ((await reader.read()).done) break
      }
      expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
    })
  },
)
