import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  embedContentUsage,
  generateContentUsage,
  interactionsUsage,
  servedTier,
} from '../../usage.ts'

const none = { input: undefined, cachedInput: 0, cachedWrite: 0, output: undefined }

describe('generateContentUsage', () => {
  test.each([
    ['plain', { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 }, [9, 0, 4]],
    [
      'thoughts are outside of candidates (vercel/ai#6082)',
      { promptTokenCount: 9, candidatesTokenCount: 4, thoughtsTokenCount: 7, totalTokenCount: 20 },
      [9, 0, 11],
    ],
    [
      'tool use is outside of the prompt',
      { promptTokenCount: 9, toolUsePromptTokenCount: 5, candidatesTokenCount: 4 },
      [14, 0, 4],
    ],
    [
      'cached is inside the prompt (litellm#6575)',
      { promptTokenCount: 9, cachedContentTokenCount: 6, candidatesTokenCount: 4 },
      [3, 6, 4],
    ],
    ['Live', { promptTokenCount: 9, responseTokenCount: 4, totalTokenCount: 13 }, [9, 0, 4]],
    [
      'a total without thoughts does not lower a count that was given',
      { promptTokenCount: 9, responseTokenCount: 4, thoughtsTokenCount: 3, totalTokenCount: 13 },
      [9, 0, 7],
    ],
    [
      'all of the answer was thoughts: proto JSON leaves out the zero',
      { promptTokenCount: 9, thoughtsTokenCount: 7, totalTokenCount: 16 },
      [9, 0, 7],
    ],
    ['a blocked prompt', { promptTokenCount: 9, totalTokenCount: 9 }, [9, 0, 0]],
    [
      'modality lists only where the count itself is not there',
      {
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 5 },
          { modality: 'AUDIO', tokenCount: 4 },
        ],
        candidatesTokenCount: 4,
        candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 99 }],
      },
      [9, 0, 4],
    ],
    ['counts as strings', { promptTokenCount: '9', candidatesTokenCount: '4' }, [9, 0, 4]],
    ['a fraction is rounded up', { promptTokenCount: 8.2, candidatesTokenCount: 4 }, [9, 0, 4]],
    [
      'more cached than prompt is never negative (new-api#5003)',
      { promptTokenCount: 9, cachedContentTokenCount: 12, candidatesTokenCount: 4 },
      [0, 9, 4],
    ],
    [
      'null counts',
      { promptTokenCount: null, candidatesTokenCount: null },
      [undefined, 0, undefined],
    ],
    ['a negative count', { promptTokenCount: -1, candidatesTokenCount: 4 }, [undefined, 0, 4]],
  ])('%s', (_, usage, [input, cachedInput, output]) => {
    expect(generateContentUsage(usage).tokens).toEqual({
      input,
      cachedInput,
      cachedWrite: 0,
      output,
    })
  })

  test.each([undefined, null, 7, 'x', [], {}])('%j is unknown, not 0', (usage) => {
    expect(generateContentUsage(usage).tokens).toEqual(none)
    expect(interactionsUsage(usage).tokens).toEqual(none)
    expect(embedContentUsage(usage).tokens.input).toBeUndefined()
  })

  test('what is odd is said, without the value of a text', () => {
    const { problems } = generateContentUsage({
      promptTokenCount: 'secret',
      candidatesTokenCount: -3,
    })
    expect(problems).toEqual([
      'promptTokenCount is a string of 6 characters, which cannot be a token count',
      'candidatesTokenCount is -3, which cannot be a token count',
    ])
  })

  test('details by modality, and the tier', () => {
    const usage = {
      promptTokenCount: 20,
      candidatesTokenCount: 9,
      thoughtsTokenCount: 2,
      cachedContentTokenCount: 5,
      promptTokensDetails: [
        { modality: 'AUDIO', tokenCount: 6 },
        { modality: 'VIDEO', tokenCount: 3 },
      ],
      toolUsePromptTokensDetails: [{ modality: 'IMAGE', tokenCount: 1 }],
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 8 }, { modality: 'TEXT' }],
    }
    expect(generateContentUsage(usage).details).toEqual({
      reasoning: 2,
      audioInput: 6,
      videoInput: 3,
      imageInput: 1,
      cachedAudioInput: 5,
      imageOutput: 8,
    })
    expect(servedTier({ serviceTier: 'flex' })).toBe('flex')
    expect(servedTier({ trafficType: 'ON_DEMAND' })).toBe('ON_DEMAND')
    expect(servedTier(null)).toBeUndefined()
  })
})

test('interactions: searches, modalities, thoughts', () => {
  const usage = {
    total_input_tokens: 22,
    total_cached_tokens: 2,
    total_tool_use_tokens: 129,
    total_output_tokens: 973,
    total_thought_tokens: 249,
    input_tokens_by_modality: [{ modality: 'audio', tokens: 4 }],
    grounding_tool_count: [
      { type: 'google_search', count: 3 },
      { type: 'google_maps', count: 9 },
    ],
  }
  expect(interactionsUsage(usage)).toEqual({
    tokens: { input: 149, cachedInput: 2, cachedWrite: 0, output: 1222 },
    details: { reasoning: 249, audioInput: 4, webSearchRequests: 3, mapsRequests: 9 },
    problems: [],
  })
})

const count = fc.integer({ min: 0, max: 1e9 })

test('disjoint counts are whole, not negative, and add up to the total', () => {
  fc.assert(
    fc.property(count, count, count, count, count, (prompt, cached, tool, thoughts, candidates) => {
      const total = prompt + tool + thoughts + candidates
      const content = generateContentUsage({
        promptTokenCount: prompt,
        cachedContentTokenCount: cached,
        toolUsePromptTokenCount: tool,
        thoughtsTokenCount: thoughts,
        candidatesTokenCount: candidates,
        totalTokenCount: total,
      }).tokens
      const interaction = interactionsUsage({
        total_input_tokens: prompt,
        total_cached_tokens: cached,
        total_tool_use_tokens: tool,
        total_thought_tokens: thoughts,
        total_output_tokens: candidates,
        total_tokens: total,
      }).tokens
      expect(interaction).toEqual(content)
      const counts = Object.values(content).map(Number)
      expect(counts.every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true)
      expect(counts.reduce((sum, each) => sum + each, 0)).toBe(total)
    }),
  )
})

test('no value of any kind makes a reader throw, or answer what is no count', () => {
  const names = fc.constantFrom(
    'promptTokenCount',
    'cachedContentTokenCount',
    'thoughtsTokenCount',
    'candidatesTokenCount',
    'totalTokenCount',
    'promptTokensDetails',
    'candidatesTokensDetails',
    'total_input_tokens',
    'total_output_tokens',
    'grounding_tool_count',
    'usageMetadata',
    'predictions',
    'tokenCount',
  )
  fc.assert(
    fc.property(fc.dictionary(names, fc.anything()), (usage) => {
      for (const read of [generateContentUsage, interactionsUsage, embedContentUsage]) {
        for (const value of Object.values(read(usage).tokens)) {
          expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
        }
      }
    }),
  )
})

test.each(['AUDIO', 'IMAGE', 'VIDEO', 'TEXT', 'DOCUMENT'])(
  'cached %s is what the cache says, of both APIs',
  (modality) => {
    const kind = { AUDIO: 'Audio', IMAGE: 'Image', VIDEO: 'Video' }[modality]
    const details =
      kind === undefined ? {} : { [`${kind.toLowerCase()}Input`]: 300, [`cached${kind}Input`]: 258 }
    const generated = {
      promptTokenCount: 10_000,
      cachedContentTokenCount: 9651,
      candidatesTokenCount: 5,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 9700 },
        { modality, tokenCount: 300 },
      ],
      cacheTokensDetails: [
        { modality: 'TEXT', tokenCount: 9393 },
        { modality, tokenCount: 258 },
      ],
    }
    expect(generateContentUsage(generated)).toEqual({
      tokens: { input: 349, cachedInput: 9651, cachedWrite: 0, output: 5 },
      details,
      problems: [],
    })
    const interaction = {
      total_input_tokens: 10_000,
      total_cached_tokens: 9651,
      total_output_tokens: 5,
      input_tokens_by_modality: [{ modality: modality.toLowerCase(), tokens: 300 }],
      cached_tokens_by_modality: [{ modality: modality.toLowerCase(), tokens: 258 }],
    }
    expect(interactionsUsage(interaction).details).toEqual(details)
  },
)

test('the cached ones are added to a list of what was not cached', () => {
  const usage = {
    promptTokenCount: 1000,
    cachedContentTokenCount: 258,
    candidatesTokenCount: 5,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 742 }],
    cacheTokensDetails: [{ modality: 'IMAGE', tokenCount: 258 }],
  }
  expect(generateContentUsage(usage).details).toEqual({ imageInput: 258, cachedImageInput: 258 })
})
