import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import {
  message,
  messageScript,
  request,
  toolUseMessage,
  toolUseScript,
  weatherTool,
} from '../scripts.ts'
import { type SdkClient, laterMajors, sdkMajors } from '../sdk-majors.ts'
import { eventStream, type Fetch, outcomeOf, sideBySide } from './side-by-side.ts'

type Next = (sent: { url: string; headers: Headers }) => Promise<Response>
type Own = (sent: { url: string; headers: Headers }, next: Next) => Promise<Response>

interface RunnerStream extends AsyncIterable<{ readonly type: string }> {
  finalMessage(): Promise<unknown>
}

const inTurn =
  (...answers: readonly (() => Response)[]) =>
  (): Fetch => {
    let turn = 0
    return async () => (answers[turn++] ?? answers.at(-1)!)()
  }
const json = (body: unknown) => () => Response.json(body)
const models = (sent: readonly { init: RequestInit }[]) =>
  sent.map(({ init }) => {
    const { model, max_tokens, messages } = JSON.parse(String(init.body)) as typeof request
    return [model, max_tokens, messages.length, new Headers(init.headers).get('x-stainless-helper')]
  })

describe.each(laterMajors)('the tool runner of $version, raw and metered', ({ Anthropic }) => {
  const turns = inTurn(json(toolUseMessage), json(toolUseMessage), json(message))
  const runner = (client: SdkClient, more: object = {}) =>
    client.beta.messages.toolRunner({ ...request, tools: [weatherTool], ...more } as never)

  test.each<[string, (client: SdkClient) => unknown, () => Fetch, number]>([
    ['until done', async (client) => await runner(client).runUntilDone(), turns, 3],
    ['awaited', async (client) => await runner(client), turns, 3],
    [
      'turn by turn, with the answers of its tools',
      async (client) => {
        const run = runner(client)
        const seen: unknown[] = []
        for await (const turn of run) seen.push(turn, await run.generateToolResponse())
        return [seen, run.params.messages.length]
      },
      turns,
      3,
    ],
    [
      'with other parameters on the way',
      async (client) => {
        const run = runner(client)
        let turn = 0
        for await (const _ of run) {
          // Each change asks for another turn.
          if (++turn > 1) break
          run.setMessagesParams((before) => ({ ...before, max_tokens: 7 }))
          run.pushMessages({ role: 'user', content: 'more' })
        }
        return run.params.max_tokens
      },
      inTurn(json(toolUseMessage), json(message)),
      2,
    ],
    [
      'at most one turn',
      async (client) => await runner(client, { max_iterations: 1 }).runUntilDone(),
      turns,
      1,
    ],
    [
      'left',
      async (client) => {
        for await (const _ of runner(client)) break
      },
      turns,
      1,
    ],
    [
      'run twice',
      async (client) => {
        const run = runner(client)
        await run.runUntilDone()
        return await outcomeOf(async () => {
          for await (const _ of run);
        })
      },
      turns,
      3,
    ],
    [
      'aborted',
      async (client) => {
        const controller = new AbortController()
        const run = client.beta.messages.toolRunner({ ...request, tools: [weatherTool] } as never, {
          signal: controller.signal,
        })
        for await (const _ of run) controller.abort()
      },
      turns,
      1,
    ],
    [
      'an error of the API',
      async (client) => await runner(client),
      inTurn(json(toolUseMessage), () => Response.json({}, { status: 400 })),
      1,
    ],
    [
      'streamed',
      async (client) => {
        const seen: unknown[] = []
        for await (const turn of runner(client, { stream: true })) {
          const stream = turn as unknown as RunnerStream
          seen.push(stream.constructor.name)
          for await (const { type } of stream) seen.push(type)
          seen.push(await stream.finalMessage())
        }
        return seen
      },
      inTurn(
        () => eventStream(toolUseScript),
        () => eventStream(messageScript),
      ),
      2,
    ],
    [
      'streamed, read by nobody',
      async (client) => await runner(client, { stream: true }).runUntilDone(),
      inTurn(
        () => eventStream(toolUseScript),
        () => eventStream(messageScript),
      ),
      2,
    ],
  ])('%s', async (_, play, newFetch, expected) => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client, sent }) =>
        JSON.stringify([await outcomeOf(() => play(client)), models(sent)]),
      {},
      newFetch,
    )
    expect(records).toHaveLength(expected)
  })
})

describe.each(sdkMajors)('the results of a batch, $version, raw and metered', ({ Anthropic }) => {
  const line = (custom_id: string) =>
    JSON.stringify({ custom_id, result: { type: 'succeeded', message } })

  test.each<[string, string, 'all' | 'break' | 'return' | 'untouched' | 'abort']>([
    ['read', `${line('a')}\n${line('b')}`, 'all'],
    ['empty', '', 'all'],
    ['broken', `${line('a')}\n{oops\n`, 'all'],
    ['left', `${line('a')}\n${line('b')}\n`, 'break'],
    ['returned', `${line('a')}\n${line('b')}\n`, 'return'],
    ['untouched', `${line('a')}\n`, 'untouched'],
    ['aborted', `${line('a')}\n${line('b')}\n`, 'abort'],
  ])('%s: the lines, the errors, and the listeners that are let go', async (_, text, way) => {
    await sideBySide(
      Anthropic,
      async ({ client }) => {
        const caller = new AbortController()
        const lines = await client.messages.batches.results('b', {}, { signal: caller.signal })
        const listeners = () => getEventListeners(caller.signal, 'abort').length
        const seen: unknown[] = [listeners()]
        seen.push(
          await outcomeOf(async () => {
            if (way === 'untouched') return await lines[Symbol.asyncIterator]().return?.(undefined)
            for await (const row of lines) {
              seen.push(row.custom_id, listeners())
              if (way === 'break') break
              if (way === 'return') return
              if (way === 'abort') caller.abort()
            }
          }),
        )
        return [seen, listeners(), lines.controller.signal.aborted]
      },
      {},
      () => async (url) =>
        url.endsWith('/b')
          ? Response.json({ id: 'b', results_url: 'https://elsewhere.test/results.jsonl' })
          : new Response(text, { headers: { 'content-type': 'application/x-jsonl' } }),
    )
  })
})

describe.each(laterMajors)(
  'middleware and credentials of $version, raw and metered',
  ({ Anthropic }) => {
    const passing =
      (name: string, order: string[]): Own =>
      async (sent, next) => {
        order.push(`${name} in`)
        const response = await next(sent)
        order.push(`${name} out`)
        return response
      }

    test('runs in its order, of the client and of the request, at every try', async () => {
      await sideBySide(
        Anthropic,
        async ({ client }) => {
          const order: string[] = []
          const own = client as unknown as { middleware: unknown[] }
          own.middleware.push(passing('a', order), passing('b', order))
          await client.messages.create(request, { middleware: [passing('c', order)] } as never)
          await client.withOptions({}).messages.create(request)
          own.middleware.length = 0
          await client.messages.create(request)
          return [order, own.middleware.length]
        },
        { maxRetries: 1 },
        inTurn(
          () => new Response(null, { status: 500, headers: { 'retry-after-ms': '1' } }),
          json(message),
        ),
      )
    })

    class OwnError extends Error {}
    test.each<[string, Own, (() => Response)?]>([
      [
        'throws',
        async () => {
          throw new OwnError('own')
        },
      ],
      // oxlint-disable-next-line no-throw-literal, only-throw-error
      [
        'throws what is no error',
        async () => {
          throw 'own'
        },
      ],
      [
        'wraps an error',
        async (sent, next) => {
          try {
            return await next(sent)
          } catch (cause) {
            throw new OwnError('wrapped', { cause })
          }
        },
        () => {
          throw new TypeError('fetch failed')
        },
      ],
      ['answers by itself', async () => Response.json({ own: true })],
      [
        'answers another response',
        async (sent, next) => Response.json({ wrapped: await (await next(sent)).json() }),
      ],
      [
        'reads the body away',
        async (sent, next) => {
          const response = await next(sent)
          await response.json()
          return response
        },
      ],
      [
        'locks the body',
        async (sent, next) => {
          const response = await next(sent)
          response.body?.getReader()
          return response
        },
      ],
      [
        'reads a clone',
        async (sent, next) => {
          const response = await next(sent)
          await response.clone().json()
          return response
        },
      ],
      [
        'changes headers and address',
        async (sent, next) => {
          sent.headers.set('x-own', '1')
          return await next({ ...sent, url: sent.url.replace('vendor', 'other') })
        },
      ],
    ])('one that %s', async (_, own, answer) => {
      await sideBySide(
        Anthropic,
        async ({ client, sent }) => [
          await outcomeOf(() => client.messages.create(request)),
          await outcomeOf(async () => (await client.messages.create(request).asResponse()).text()),
          sent.map(({ url, init }) => [url, new Headers(init.headers).get('x-own')]),
        ],
        { middleware: [own], maxRetries: 1 },
        inTurn(answer ?? json(message)),
      )
    })

    test('a token is asked for, kept, and asked for again when it is refused', async () => {
      await sideBySide(
        Anthropic,
        async ({ client, sent, wrap }) => {
          let tokens = 0
          const credentials = async () => ({
            token: `t${++tokens}`,
            expiresAt: Date.now() / 1000 + 3600,
          })
          const { fetch } = client as unknown as { fetch: unknown }
          const own = wrap(
            new Anthropic({ apiKey: null, credentials, fetch, maxRetries: 1 } as never),
          )
          await own.messages.create(request)
          await own.withOptions({ timeout: 9 }).messages.create(request)
          return [
            tokens,
            own.credentials === null,
            sent.map(({ init }) => new Headers(init.headers).get('authorization')),
          ]
        },
        {},
        () =>
          async (_, { headers }) =>
            new Headers(headers).get('authorization') === 'Bearer t1'
              ? Response.json({ error: { type: 'authentication_error' } }, { status: 401 })
              : Response.json(message),
      )
    })

    test('no key, no token: the same error at the first request', async () => {
      await sideBySide(Anthropic, async ({ wrap }) => {
        const client = wrap(
          new Anthropic({ apiKey: null, authToken: null, config: undefined } as never),
        )
        return await outcomeOf(() => client.messages.create(request, { maxRetries: 0, timeout: 1 }))
      })
    })
  },
)
