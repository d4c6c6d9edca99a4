import { isOpenAIClient } from '../../openai/src/sdk/openai-client.ts'
import { describe, expect, test, vi } from 'vitest'
import { isAnthropicClient } from '../src/sdk/anthropic-client.ts'
import { startMetered } from './metered.ts'
import { message, messageScript, request, streamed } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)(
  'a metered client of @anthropic-ai/sdk $version is a raw one',
  ({ version, Anthropic }) => {
    const start = () => startMetered(Anthropic)
    const requestId = { headers: { 'request-id': 'req_a', 'anthropic-workspace-id': 'wrkspc_a' } }

    test('settings that are functions come back as they are', async () => {
      await using run = await start()
      const credentials = async () => ({ token: 't' })
      const client = new Anthropic({ credentials, baseURL: 'http://127.0.0.1:1' } as never)
      const shown = (one: object) => (one as { credentials?: unknown }).credentials
      expect(shown(run.meter(client, 'cus_1'))).toBe(shown(client))
    })

    test('fields can be read and set, on both sides of the wrapping', async () => {
      await using run = await start()
      const client = new Anthropic({ apiKey: 'sk-a', baseURL: 'http://127.0.0.1:1' })
      const metered = run.meter(client, 'cus_1')
      metered.apiKey = 'sk-b'
      expect(client.apiKey).toBe('sk-b')
      client.maxRetries = 7
      expect(metered.maxRetries).toBe(7)
    })

    test('private members: getters, helpers, pages and webhooks do not throw', async () => {
      await using run = await start()
      run.server.serve({ data: [{ id: 'm1' }, { id: 'm2' }], has_more: false }, { times: 2 })
      const ids: string[] = []
      for await (const model of run.metered.models.list()) ids.push(model.id)
      for await (const page of (await run.metered.models.list()).iterPages()) {
        ids.push(String(page.data.length))
      }
      expect(ids).toEqual(['m1', 'm2', '2'])
      expect(run.metered.buildURL('/v1/models', null)).toBe(run.raw.buildURL('/v1/models', null))
      if (version !== 1) return
      expect(run.metered.openTelemetry).toEqual(run.raw.openTelemetry)
      expect(run.metered.credentials).toBe(run.raw.credentials)
      const unwrap = (client: SdkClient) => {
        try {
          return client.beta.webhooks.unwrap('{}', { headers: {}, key: 'whsec_eA==' } as never)
        } catch (error) {
          return String(error)
        }
      }
      expect(unwrap(run.metered)).toBe(unwrap(run.raw))
    })

    test('the promise is the SDK promise, with nothing parsed before it is asked', async () => {
      await using run = await start()
      run.server.serve(message, { times: 2 })
      const promise = run.metered.messages.create(request)
      const rawPromise = run.raw.messages.create(request)
      expect(promise.constructor).toBe(rawPromise.constructor)
      await rawPromise
      const response = await promise.asResponse()
      expect(response.bodyUsed).toBe(false)
      expect(await response.json()).toEqual(message)
    })

    test('withResponse has all that it has raw', async () => {
      await using run = await start()
      run.server.serve(message, { ...requestId, times: 2 })
      const metered = await run.metered.messages.create(request).withResponse()
      const raw = await run.raw.messages.create(request).withResponse()
      expect(Object.keys(metered)).toEqual(Object.keys(raw))
      expect(metered.request_id).toBe('req_a')
      expect(metered.data).toEqual(raw.data)
      expect(metered.data).toHaveProperty('_request_id', 'req_a')
      expect(metered.workspace_id).toBe(raw.workspace_id)
      expect(metered.response.status).toBe(200)
    })

    test('a stream object keeps its class, controller, methods and keys', async () => {
      await using run = await start()
      run.server.serve(messageScript, { times: 2 })
      const stream = await run.metered.messages.create(streamed)
      const raw = await run.raw.messages.create(streamed)
      expect(stream.constructor).toBe(raw.constructor)
      expect(Object.keys(stream)).toEqual(Object.keys(raw))
      expect(stream.controller).toBeInstanceOf(AbortController)
      for await (const _ of stream);
      await expect(async () => {
        for await (const _ of stream);
      }).rejects.toThrow(/consumed/)
      for await (const _ of raw);
    })

    test('a helper stream tells the same, by its events and by its promises', async () => {
      await using run = await start()
      run.server.serve(messageScript, { times: 2, ...requestId })
      const told = async (client: SdkClient) => {
        const events: unknown[] = []
        const stream = client.messages.stream(request)
        for (const event of ['connect', 'text', 'contentBlock', 'finalMessage', 'end'] as const) {
          stream.on(event, (...args: unknown[]) => void events.push([event, JSON.stringify(args)]))
        }
        events.push(
          await stream.finalText(),
          (await stream.finalMessage()).usage,
          stream.request_id,
        )
        await stream.done()
        return events
      }
      expect(await told(run.metered)).toEqual(await told(run.raw))
    })

    test("an error is the SDK's own, and a caught one is not unhandled (braintrust#905)", async () => {
      await using run = await start()
      const unhandled = vi.fn()
      process.on('unhandledRejection', unhandled)
      run.server.serve({ type: 'error', error: { message: 'no' } }, { status: 401, times: 4 })
      const caught: unknown[] = []
      for (const client of [run.metered, run.raw]) {
        await client.messages.create(request).catch((error: unknown) => caught.push(error))
        client.messages.stream(request).on('error', (error) => caught.push(error))
      }
      await vi.waitFor(() => expect(caught).toHaveLength(4))
      await new Promise((resolve) => setTimeout(resolve, 20))
      process.off('unhandledRejection', unhandled)
      expect(new Set(caught.map(String)).size).toBe(1)
      expect(new Set(caught.map((error) => (error as Error).constructor)).size).toBe(1)
      expect(unhandled).not.toHaveBeenCalled()
    })

    test('openai does not take it, and this package takes no OpenAI client', async () => {
      await using run = await start()
      expect(isAnthropicClient(run.raw)).toBe(true)
      expect(isAnthropicClient(run.metered)).toBe(true)
      expect(isOpenAIClient(run.raw)).toBe(false)
      const openai = { baseURL: 'x', post() {}, chat: { completions: {} }, responses: {} }
      expect(isAnthropicClient(openai)).toBe(false)
      expect(isOpenAIClient(openai)).toBe(true)
      expect(isAnthropicClient({ ...openai, messages: null })).toBe(false)
    })
  },
)
