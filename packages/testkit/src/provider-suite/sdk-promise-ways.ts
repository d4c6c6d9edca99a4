import { expect } from 'vitest'
import { readAll } from './provider-harness.ts'
import type { WaysUnderTest } from './provider-under-test.ts'

/** The promise of an SDK that was made by Stainless, as openai and @anthropic-ai/sdk were. */
export interface SdkPromise<Data = unknown> extends Promise<Data> {
  asResponse(): Promise<Response>
  withResponse(): Promise<{ data: Data; response: Response }>
}

/**
 * The ways to an answer that such a promise has, for `ways` of a provider under test.
 * @param send the SDK's method, for a whole answer.
 * @param stream the same, for a streamed one.
 */
export function sdkPromiseWays<Client>(
  send: (client: Client) => SdkPromise,
  stream: (client: Client) => SdkPromise<AsyncIterable<unknown>>,
): { readonly whole: WaysUnderTest<Client>; readonly streamed: WaysUnderTest<Client> } {
  const whole: WaysUnderTest<Client> = [
    [
      'awaited twice',
      async (client) => {
        const promise = send(client)
        expect(await promise).toBe(await promise)
      },
    ],
    ['.then()', (client) => send(client).then((answer) => answer)],
    ['.catch()', (client) => send(client).catch(() => {})],
    ['.finally()', (client) => send(client).finally(() => {})],
    [
      'withResponse()',
      async (client) => expect((await send(client).withResponse()).response.status).toBe(200),
    ],
    [
      'asResponse(), asked for when the answer is there',
      async (client) => {
        const promise = send(client)
        await promise.catch(() => {})
        expect((await promise.asResponse()).status).toBe(200)
      },
    ],
    [
      'asResponse(), which has not read the body',
      async (client) => {
        const response = await send(client).asResponse()
        expect(response.bodyUsed).toBe(false)
        expect(await response.json()).toBeTypeOf('object')
      },
    ],
    ...(['json', 'text', 'arrayBuffer', 'blob'] as const).map(
      (method) =>
        [
          `asResponse(), read by ${method}()`,
          async (client: Client) => (await send(client).asResponse())[method](),
        ] as const,
    ),
    [
      'asResponse(), its clone read',
      async (client) => (await send(client).asResponse()).clone().json(),
    ],
    [
      'asResponse(), its body read',
      async (client) => new Response((await send(client).asResponse()).body).text(),
    ],
  ]
  const streamed: WaysUnderTest<Client> = [
    ['withResponse()', async (client) => readAll((await stream(client).withResponse()).data)],
    ['asResponse(), read by text()', async (client) => (await stream(client).asResponse()).text()],
    [
      'asResponse(), its body read',
      async (client) => new Response((await stream(client).asResponse()).body).text(),
    ],
  ]
  return { whole, streamed }
}
