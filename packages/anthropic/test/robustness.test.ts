import { array, assert, asyncProperty, constantFrom, integer, nat, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { countedTokens, message, messageScript, request, streamed } from './scripts.ts'
import { laterMajors, sdkMajors } from './sdk-majors.ts'

const events = messageScript.map(
  (event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`,
)
const own = async (sent: unknown, next: (sent: unknown) => Promise<Response>) => await next(sent)

/** A body that comes in the given pieces, and can end in an error. */
function body(pieces: readonly Uint8Array[], error?: Error): Response {
  let index = 0
  const stream = new ReadableStream({
    pull(controller) {
      const piece = pieces[index++]
      if (piece !== undefined) controller.enqueue(piece)
      else if (error === undefined) controller.close()
      else controller.error(error)
    },
  })
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
}

describe.each(sdkMajors)('@anthropic-ai/sdk $version', ({ version, Anthropic }) => {
  const ways = version === 0.6 ? [{}] : [{}, { middleware: [own] }]

  test('any cutting of the bytes gives the same record', async () => {
    let answer = () => new Response()
    const fetch = async () => answer()
    const bytes = new TextEncoder().encode(events.join(''))
    for (const client of ways) {
      await using run = await startMetered(Anthropic, { client: { ...client, fetch } })
      await assert(
        asyncProperty(
          uint8Array({ min: 1, max: 120, minLength: 1 }),
          constantFrom('parsed', 'raw'),
          async (sizes, read) => {
            const pieces: Uint8Array[] = []
            for (let at = 0, turn = 0; at < bytes.length; turn++) {
              const size = sizes[turn % sizes.length] as number
              pieces.push(bytes.slice(at, at + size))
              at += size
            }
            answer = () => body(pieces)
            run.records.length = 0
            const promise = run.metered.messages.create(streamed)
            if (read === 'raw') await (await promise.asResponse()).text()
            else for await (const _ of await promise);
            expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
          },
        ),
        { numRuns: 30 },
      )
    }
  })

  test('any mix of break, abort and error gives one record', async () => {
    let answer = () => new Response()
    const fetch = async () => answer()
    for (const client of ways) {
      await using run = await startMetered(Anthropic, { client: { ...client, fetch } })
      await assert(
        asyncProperty(
          nat(events.length),
          nat(events.length),
          array(constantFrom('break', 'abort', 'throw'), { maxLength: 3 }),
          integer({ min: 0, max: 1 }),
          async (leaveAt, cutAt, ways, isCut) => {
            const sent = isCut === 1 ? events.slice(0, Math.max(1, cutAt)) : events
            const pieces = sent.map((event) => new TextEncoder().encode(event))
            answer = () => body(pieces, isCut === 1 ? new Error('connection lost') : undefined)
            run.records.length = 0
            const stream = await run.metered.messages.create(streamed)
            let seen = 0
            try {
              for await (const _ of stream) {
                if (++seen < leaveAt) continue
                if (ways.includes('abort')) stream.controller.abort()
                if (ways.includes('throw')) throw new Error('own')
                if (ways.includes('break')) break
              }
            } catch {
              // The caller's, or the connection's.
            }
            await until(() => run.records.length > 0, 'the stream is recorded')
            await new Promise((resolve) => setImmediate(resolve))
            expect(run.records).toHaveLength(1)
            expect(run.records[0]?.tokens).toMatchObject({ input: 10, cachedInput: 1000 })
          },
        ),
        { numRuns: 40 },
      )
    }
  })

  test('overlapping next() calls come in order', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(messageScript, { times: 2 })
    const pullAll = async (client: typeof run.raw) => {
      const iterator = (await client.messages.create(streamed))[Symbol.asyncIterator]()
      const results = await Promise.all(Array.from({ length: 10 }, () => iterator.next()))
      return results.map(({ done, value }) => [done, JSON.stringify(value)])
    }
    expect(await pullAll(run.metered)).toEqual(await pullAll(run.raw))
    expect(run.records).toHaveLength(1)
  })

  test('a frozen client works as it does raw, and says that it is not metered', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message)
    const frozen = run.meter(Object.freeze(run.raw), 'cus_1')
    expect((await frozen.messages.create(request)).id).toBe('msg_1')
    expect(run.records).toEqual([])
    expect(run.errors[0]?.message).toMatch(/frozen client cannot be metered/)
  })

  test('wrapped again, or cloned and wrapped, a call bills whom was named last', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message, { times: 2 })
    await run.meter(run.metered, 'cus_2').messages.create(request)
    await run.meter(run.metered.withOptions({ timeout: 99 }), 'cus_3').messages.create(request)
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2', 'cus_3'])
  })
})

test.each(laterMajors)('a request at a later option promise, $version', async ({ Anthropic }) => {
  await using run = await startMetered(Anthropic, { client: { middleware: [own] } })
  run.server.serve(message)
  const options = { method: 'post' as const, path: '/v1/messages', body: request }
  await run.metered.request(Promise.resolve(options))
  expect(run.records).toMatchObject([{ tokens: countedTokens }])
})
