import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, startMetered, until } from './metered.ts'
import { contentAnswer, contentScript, countedTokens, model, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

afterEach(() => void vi.restoreAllMocks())

describe.each(sdkMajors)('genai $major', ({ GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

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
