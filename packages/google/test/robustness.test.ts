import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryOutbox } from '../src/index.ts'
import { readAll, startMetered, until } from './metered.ts'
import {
  contentAnswer,
  contentScript,
  contentUsage,
  countedTokens,
  model,
  request,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

afterEach(() => void vi.restoreAllMocks())

const wire = contentScript.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join('')
const bytes = new TextEncoder().encode(wire)

/** Answers every request with the streamed script, cut into pieces at the given places. */
function streamInPieces(cuts: readonly number[]): void {
  const places = [...new Set([0, ...cuts, bytes.length])].toSorted((one, other) => one - other)
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const [index, place] of places.entries()) {
          if (index > 0) controller.enqueue(bytes.slice(places[index - 1], place))
        }
        controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
}

describe.each(sdkMajors)('genai $major', ({ GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test('however a stream is cut into pieces, its record is the same', async () => {
    await using run = await start()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
        streamInPieces(cuts)
        run.records.length = 0
        await readAll(await run.metered.models.generateContentStream(request))
        expect(run.records).toMatchObject([
          { tokens: countedTokens, outcome: 'complete', raw: contentUsage },
        ])
      }),
      { numRuns: 40 },
    )
  })

  test('however a stream ends, one response is one record', async () => {
    await using run = await start()
    const ends = fc.constantFrom('read', 'break', 'abort', 'cut', 'abort-after-break', 'throw')
    await fc.assert(
      fc.asyncProperty(ends, fc.integer({ min: 1, max: 4 }), async (end, after) => {
        run.records.length = 0
        const abort = new AbortController()
        const sent = run.server.requests.length
        if (end === 'cut') run.server.serve(contentScript, { cutAfterEvents: after })
        else if (end.startsWith('abort'))
          run.server.serve(contentScript, { hangAfterEvents: after })
        else run.server.serve(contentScript)
        // Off, or SDK 3 goes on where a stream was cut.
        const config = { abortSignal: abort.signal, automaticContinuation: false }
        const read = async () => {
          let chunks = 0
          const stream = await run.metered.models.generateContentStream({ ...request, config })
          for await (const _ of stream) {
            if (++chunks < after || end === 'read' || end === 'cut') continue
            if (end === 'throw') throw new Error('of the caller')
            if (end === 'abort') abort.abort()
            else break
          }
        }
        await read().catch(() => {})
        if (end.startsWith('abort')) abort.abort()
        await until(() => run.records.length > 0, `a record of ${end} after ${after}`)
        await run.server.requests[sent]?.closed
        expect(run.records).toHaveLength(run.server.requests.length - sent)
        expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
      }),
      { numRuns: 30 },
    )
  })

  test.each([
    ['null', null],
    ['negative counts', { promptTokenCount: -1, candidatesTokenCount: -2 }],
    ['not there', undefined],
    ['an array', []],
  ])(
    'usage that is %s: the answer comes, the record is a flagged estimate',
    async (_, usageMetadata) => {
      await using run = await start()
      run.server.serve({ ...contentAnswer, usageMetadata })
      run.server.serve([{ ...contentAnswer, usageMetadata }])
      expect((await run.metered.models.generateContent(request)).text).toBe('Hello there.')
      await readAll(await run.metered.models.generateContentStream(request))
      const expected = { outcome: 'estimated', details: { estimated: ['input', 'output'] } }
      expect(run.records).toMatchObject([expected, expected])
      expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
      expect(run.errors.map(({ code }) => code)).toEqual(['usage', 'usage'])
    },
  )

  test('chunks of odd shapes disturb nothing', async () => {
    await using run = await start()
    const odd = [
      { candidates: [null] },
      {
        candidates: [
          { content: { parts: [null, 7] }, groundingMetadata: { webSearchQueries: [''] } },
        ],
      },
      { usageMetadata: { promptTokenCount: null } },
    ]
    run.server.serve([...contentScript, ...odd] as never)
    await readAll(await run.metered.models.generateContentStream(request)).catch(() => {})
    await until(() => run.records.length === 1, 'it is recorded')
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
  })

  test('searches: each query from Gemini 3 on, one per answer before', async () => {
    await using run = await start()
    const groundingMetadata = { webSearchQueries: ['a', 'b', '', 'a'] }
    const candidates = [{ ...contentAnswer.candidates[0], groundingMetadata }]
    run.server.serve({ ...contentAnswer, candidates })
    run.server.serve({ ...contentAnswer, candidates, modelVersion: 'gemini-2.5-flash' })
    await run.metered.models.generateContent(request)
    await run.metered.models.generateContent(request)
    expect(run.records.map(({ details }) => details.webSearchRequests)).toEqual([2, 1])
  })

  test('a result waits for an outbox that needs time', async () => {
    const outbox = memoryOutbox()
    let stored = 0
    const slow = {
      ...outbox,
      append: async (records: never) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        await outbox.append(records)
        stored++
      },
    }
    await using run = await startMetered(GoogleGenAI, { outbox: slow })
    run.server.serve(contentAnswer)
    run.server.serve(contentScript)
    await run.metered.models.generateContent(request)
    expect(stored).toBe(1)
    await readAll(await run.metered.models.generateContentStream(request))
    expect(stored).toBe(2)
  })

  test('calls that cost something which no answer tells are reported', async () => {
    await using run = await start()
    run.server.serve({ name: 'cachedContents/1' }, { times: 2 })
    await run.metered.caches.create({ model, config: {} })
    await run.metered.caches.create({ model, config: {} })
    expect(run.records).toEqual([])
    expect(run.errors.length).toBeLessThan(2)
  })
})

test('a stream that was left does not keep the process longer than its own request', async () => {
  const child = join(import.meta.dirname, 'break-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child])
  expect(stdout).toBe('after break\nrecorded complete\n')
})
