import { cost } from '@token-meter/core/cost'
import { describe, expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'

const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
const candidate = { content: { role: 'model', parts: [{ text: 'a' }] }, finishReason: 'STOP' }
const asked = { model: 'gemini-3-flash-preview', contents: 'hi' }

describe.each(sdkMajors)('what Google runs itself, genai $major', ({ GoogleGenAI }) => {
  test.each([
    ['gemini-3-flash-preview', 3],
    ['gemini-2.5-flash', 1],
  ])('%s: searches, pages, maps and code', async (modelVersion, webSearchRequests) => {
    await using run = await startMetered(GoogleGenAI)
    const answer = {
      modelVersion,
      usageMetadata,
      candidates: [
        {
          ...candidate,
          content: { role: 'model', parts: [{ executableCode: { code: '1' } }, { text: 'a' }] },
          groundingMetadata: {
            webSearchQueries: ['one', 'two', ''],
            imageSearchQueries: ['three'],
            groundingChunks: [
              { web: { uri: 'https://a.test' } },
              { maps: { uri: 'https://m.test' } },
            ],
          },
          urlContextMetadata: {
            urlMetadata: [
              {
                retrievedUrl: 'https://a.test',
                urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_SUCCESS',
              },
              { retrievedUrl: 'https://b.test', urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_ERROR' },
            ],
          },
        },
      ],
    }
    run.server.serve(answer)
    run.server.serve([answer, answer])
    await run.metered.models.generateContent(asked)
    await readAll(await run.metered.models.generateContentStream(asked))
    const details = { webSearchRequests, mapsRequests: 1, webFetchRequests: 1 }
    expect(run.records).toMatchObject([
      { details: { ...details, codeExecutionCalls: 1 } },
      { details },
    ])
  })

  test('images and text of an answer that does not say how much each is', async () => {
    await using run = await startMetered(GoogleGenAI)
    const parts = [{ text: 'a' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }]
    const answer = {
      usageMetadata,
      candidates: [{ ...candidate, content: { role: 'model', parts } }],
    }
    run.server.serve(answer)
    const candidatesTokensDetails = [{ modality: 'IMAGE', tokenCount: 4 }]
    run.server.serve({ ...answer, usageMetadata: { ...usageMetadata, candidatesTokensDetails } })
    await run.metered.models.generateContent(asked)
    await run.metered.models.generateContent(asked)
    const price = cost({ prices: () => ({ input: 1, output: 1, imageOutput: 30 }) })
    const [unsplit, split] = run.records
    expect(unsplit && price(unsplit)).toHaveProperty('unpriced')
    expect(split && price(split)).toMatchObject({ provider: '0.000131' })
  })

  test('cached images have their own price', async () => {
    await using run = await startMetered(GoogleGenAI)
    run.server.serve({
      candidates: [candidate],
      usageMetadata: {
        promptTokenCount: 9700,
        cachedContentTokenCount: 9651,
        candidatesTokenCount: 5,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 9442 },
          { modality: 'IMAGE', tokenCount: 258 },
        ],
        cacheTokensDetails: [
          { modality: 'TEXT', tokenCount: 9393 },
          { modality: 'IMAGE', tokenCount: 258 },
        ],
      },
    })
    await run.metered.models.generateContent(asked)
    const own = { input: 1, cachedInput: '0.1', imageInput: 2, cachedImageInput: '0.2', output: 4 }
    const [record] = run.records
    // 49 x 1 + 9393 x 0.1 + 258 x 0.2 + 5 x 4
    expect(record && cost({ prices: () => own })(record)).toMatchObject({ provider: '0.0010599' })
  })

  test('cached images without a price of their own have that of the cache', async () => {
    await using run = await startMetered(GoogleGenAI)
    run.server.serve({
      candidates: [candidate],
      usageMetadata: {
        promptTokenCount: 9660,
        cachedContentTokenCount: 9651,
        candidatesTokenCount: 10,
        totalTokenCount: 9670,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 9402 },
          { modality: 'IMAGE', tokenCount: 258 },
        ],
        cacheTokensDetails: [{ modality: 'IMAGE', tokenCount: 258 }],
      },
    })
    await run.metered.models.generateContent(asked)
    const own = { input: 1, cachedInput: '0.1', imageInput: 2, output: 10 }
    const [record] = run.records
    // 9 x 1 + 9651 x 0.1 + 10 x 10
    expect(record && cost({ prices: () => own })(record)).toMatchObject({ provider: '0.0010741' })
    expect(run.errors).toEqual([])
  })
})
