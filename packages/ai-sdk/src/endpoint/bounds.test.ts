import { expect, test } from 'vitest'
import { endpointOf } from './endpoints.ts'

const prompt = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }]

function boundsOf(kind: string, body: object, provider = 'openai') {
  const call = { provider, endpoint: kind, method: 'doGenerate', body }
  return endpointOf(kind)?.bounds?.(body, call)
}

const language = (options: object, provider?: string) =>
  boundsOf('languageModel', { model: 'm', prompt, ...options }, provider)

test('a step has its prompt and its cap, and nothing of what is not for the model', () => {
  const { signal: abortSignal } = new AbortController()
  const headers = { authorization: 'x'.repeat(100) }
  expect(language({ maxOutputTokens: 50, headers, abortSignal }, 'groq')).toEqual({
    // 256, prompt 6 + 6, a message 6, role 14, content 7 + 6, a part 6, type 4 + 6 + 4, text 4 + 6 + 2.
    inputBytes: 256 + 12 + 6 + 14 + 13 + 6 + 14 + 12,
    maxOutput: 50,
    answers: 1,
    beyond: [],
    cacheWrites: false,
    noOutput: false,
  })
})

test('the AI SDK adds the budget of thinking to the cap, and has another for reasoning models', () => {
  const anthropic = { thinking: { type: 'enabled', budgetTokens: 1000 } }
  expect(language({ maxOutputTokens: 50, providerOptions: { anthropic } })?.maxOutput).toBe(1050)
  const openai = { maxCompletionTokens: 70 }
  expect(language({ maxOutputTokens: 50, providerOptions: { openai } })?.maxOutput).toBe(70)
  expect(language({ maxOutputTokens: 50 }, 'xai')?.maxOutput).toBe(undefined)
  expect(language({})?.maxOutput).toBe(undefined)
})

const part = (content: object) => ({ prompt: [{ role: 'user', content: [content] }] })

test.each([
  [part({ type: 'file', mediaType: 'image/png', data: new Uint8Array(3) }), ['media']],
  [part({ type: 'file', mediaType: 'image/png', data: new URL('https://a.b/c.png') }), ['url']],
  [part({ type: 'file', mediaType: 'image/png', data: 'https://a.b/c.png' }), ['url']],
  [part({ type: 'tool-result', output: { type: 'json', value: { url: 'https://a.b' } } }), []],
  [part({ type: 'tool-call', toolName: 'f', input: { data: 'x', file_id: 'y' } }), []],
  [{ tools: [{ type: 'function', name: 'f', inputSchema: { type: 'object' } }] }, []],
  [
    { tools: [{ type: 'provider', id: 'openai.web_search', name: 'w', args: {} }] },
    ['server_tool'],
  ],
  [{ tools: [{ type: 'provider-defined', id: 'x.y', name: 'w', args: {} }] }, ['server_tool']],
  [{ providerOptions: { openai: { previousResponseId: 'resp_1' } } }, ['history']],
  [{ providerOptions: { google: { cachedContent: 'cachedContents/1' } } }, ['prompt']],
  [
    { providerOptions: { anthropic: { mcpServers: [{ url: 'https://a.b' }] } } },
    ['server_tool', 'url'],
  ],
  [
    part({ type: 'reasoning', text: '', providerOptions: { openai: { itemId: 'rs_1' } } }),
    ['history'],
  ],
  [
    part({
      type: 'reasoning',
      text: '',
      providerOptions: { openai: { itemId: 'rs_1', reasoningEncryptedContent: 'AA' } },
    }),
    [],
  ],
])('%j: what it has beyond its prompt', (options, beyond) => {
  expect(language(options)?.beyond).toEqual(beyond)
})

test('caching that is asked for is told', () => {
  const providerOptions = { anthropic: { cacheControl: { type: 'ephemeral' } } }
  const content = [{ type: 'text', text: 'x', providerOptions }]
  expect(language({ prompt: [{ role: 'user', content }] }, 'anthropic')?.cacheWrites).toBe(true)
})

test.each([
  ['embeddingModel', { values: ['a', 'b'] }, { noOutput: true, beyond: [] }],
  ['imageModel', { prompt: 'x', n: 2 }, { beyond: ['media'], answers: 2 }],
  ['speechModel', { text: 'x' }, { beyond: ['media'] }],
  ['transcriptionModel', { audio: new Uint8Array(2) }, { beyond: ['media'] }],
  ['decisionModel', { state: 'x', questions: ['y'] }, { beyond: [] }],
])('%s %j', (kind, body, expected) => {
  expect(boundsOf(kind, body)).toMatchObject(expected)
})
