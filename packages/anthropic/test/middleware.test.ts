import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { countedTokens, message, messageScript, request, scriptOf, streamed } from './scripts.ts'
import { laterMajors, sdkMajors } from './sdk-majors.ts'

type Next = (sent: unknown) => Promise<Response>
interface Context {
  parse(response: Response): Promise<unknown>
}
type Own = (sent: never, next: Next, context: Context) => Promise<Response>

const refusal = {
  type: 'refusal',
  category: 'cyber',
  explanation: null,
  fallback_credit_token: 'token_1',
}
const refused = { ...message, content: [], stop_reason: 'refusal', stop_details: refusal }
const answered = { ...message, model: 'claude-opus-5' }

describe.each(laterMajors)(
  'middleware of the application, @anthropic-ai/sdk $version',
  ({ version, Anthropic }) => {
    const start = (...middleware: Own[]) => startMetered(Anthropic, { client: { middleware } })

    test.skipIf(version !== 1)(
      'every hop of a refusal fallback is recorded, at its own model',
      async () => {
        await using run = await start(
          betaRefusalFallbackMiddleware([{ model: 'claude-opus-5' }]) as never,
        )
        run.server.serve(refused)
        run.server.serve(answered)
        const served = await run.metered.beta.messages.create(request)
        expect(served.model).toBe('claude-opus-5')
        expect(run.records).toMatchObject([
          { model: message.model, requestedModel: request.model, tokens: countedTokens },
          { model: 'claude-opus-5', requestedModel: 'claude-opus-5', tokens: countedTokens },
        ])
      },
    )

    test.skipIf(version !== 1)('every hop of a streamed one too', async () => {
      await using run = await start(
        betaRefusalFallbackMiddleware([{ model: 'claude-opus-5' }]) as never,
      )
      const script = (model: string, stopReason: string, stop_details: unknown) =>
        scriptOf([], stopReason).map((event) =>
          event.type === 'message_start'
            ? { ...event, message: { ...(event.message as object), model } }
            : event.type === 'message_delta'
              ? { ...event, delta: { ...(event.delta as object), stop_details } }
              : event,
        )
      run.server.serve(script('claude-sonnet-5', 'refusal', refusal))
      run.server.serve(script('claude-opus-5', 'end_turn', null))
      for await (const _ of await run.metered.beta.messages.create(streamed));
      expect(run.records.map(({ model, tokens, outcome }) => [model, tokens, outcome])).toEqual([
        ['claude-sonnet-5', countedTokens, 'complete'],
        ['claude-opus-5', countedTokens, 'complete'],
      ])
    })

    test('what a middleware answers from its own cache bills nothing', async () => {
      const cache = new Map<string, string>()
      await using run = await start(async (sent: { body: string }, next) => {
        const known = cache.get(sent.body)
        if (known !== undefined) {
          return new Response(known, { headers: { 'content-type': 'application/json' } })
        }
        const response = await next(sent)
        cache.set(sent.body, await response.clone().text())
        return response
      })
      run.server.serve(message)
      for (let call = 0; call < 3; call++) {
        expect((await run.metered.messages.create(request)).content).toEqual(message.content)
      }
      expect(run.records).toHaveLength(1)
      expect(run.server.requests).toHaveLength(1)
    })

    test('of one request alone: it runs outside of ours, which the caller never sees', async () => {
      await using run = await start()
      run.server.serve(message, { times: 3 })
      const own: Own = async (sent, next) => {
        await (await next(sent)).text()
        return await next(sent)
      }
      const options = Object.freeze({ middleware: Object.freeze([own]) as never })
      await run.metered.messages.create(request, options)
      expect(run.records).toHaveLength(2)
      await run.metered.messages.create(request)
      expect(run.records).toHaveLength(3)
    })

    test.each<[string, Own, number]>([
      [
        'looks at the first event with ctx.parse()',
        async (sent, next, context) => {
          const response = await next(sent)
          const peek = (await context.parse(response)) as AsyncIterable<unknown>
          void (async () => {
            for await (const _ of peek) break
          })()
          return response
        },
        1,
      ],
      [
        'looks at the body and then clones',
        async (sent, next) => {
          const response = await next(sent)
          expect(response.body?.locked).toBe(false)
          response.clone()
          return response
        },
        1,
      ],
      [
        'answers a new response around the body',
        async (sent, next) => {
          const response = await next(sent)
          return new Response(response.body, response)
        },
        1,
      ],
      [
        'throws away what came and asks again',
        async (sent, next) => {
          await (await next(sent)).body?.cancel()
          return await next(sent)
        },
        2,
      ],
    ])('one that %s', async (_, own, requests) => {
      await using run = await start(own)
      run.server.serve(messageScript, { times: 2 })
      let events = 0
      for await (const _ of await run.metered.messages.create(streamed)) events++
      expect(events).toBe(messageScript.length)
      await until(() => run.records.length === requests, 'each request is recorded')
      expect(run.records.at(-1)).toMatchObject({ tokens: countedTokens, outcome: 'complete' })
      expect(run.errors).toEqual([])
    })

    test("its errors are the caller's own", async () => {
      const failure = new Error('own failure')
      await using run = await start(async () => {
        throw failure
      })
      await expect(run.metered.messages.create(request)).rejects.toBe(failure)
      expect(run.records).toEqual([])
    })

    test.each<[string, () => unknown, number]>([
      ['is none', () => undefined, 0],
      ['cannot be changed', () => Object.freeze(Response.json(message)), 1],
    ])('a response that %s comes to the caller as it does raw', async (_, answer, records) => {
      await using run = await startMetered(Anthropic)
      const client = {
        apiKey: 'k',
        maxRetries: 0,
        middleware: [async (sent: unknown, next: Next) => await next(sent)],
        fetch: async () => answer() as Response,
      } as never
      const outcome = (sdk: typeof run.raw) => sdk.messages.create(request).catch(String)
      const metered = run.meter(new Anthropic(client), 'cus_1')
      expect(await outcome(metered)).toEqual(await outcome(new Anthropic(client)))
      expect(run.records).toHaveLength(records)
    })

    test('a break closes the upstream at once, with one record', async () => {
      await using run = await start(async (sent, next) => await next(sent))
      run.server.serve(messageScript, { gapMs: 50 })
      let events = 0
      for await (const _ of await run.metered.messages.create(streamed)) if (++events === 3) break
      await run.server.requests[0]?.closed
      expect(run.server.requests[0]).toMatchObject({ closedEarly: true })
      expect(run.server.requests[0]?.eventsSent).toBeLessThan(messageScript.length)
      expect(run.records).toMatchObject([
        { outcome: 'estimated', tokens: { input: 10, cachedInput: 1000, cachedWrite: 100 } },
      ])
      expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
    })

    test('a call without a customer is refused before it is sent', async () => {
      await using run = await startMetered(Anthropic, {
        client: { middleware: [async (sent: unknown, next: Next) => await next(sent)] },
        customer: () => undefined,
        onMissingCustomer: 'throw',
      })
      await expect(run.metered.messages.create(request)).rejects.toMatchObject({
        code: 'missing-customer',
      })
      expect(run.server.requests).toEqual([])
    })
  },
)

test('SDK 0.60 knows no middleware: the option changes nothing', async () => {
  const [oldest] = sdkMajors
  await using run = await startMetered(oldest!.Anthropic)
  run.server.serve(message)
  await run.metered.messages.create(request, { middleware: [async () => new Response()] } as never)
  expect(run.records).toHaveLength(1)
})
