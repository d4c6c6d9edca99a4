import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchOf,
  mediaOf,
  requestBounds,
  type RequestLimits,
  statedCount,
} from './request-bounds.ts'
import { escaped, plain, textBytes } from './text-bytes.ts'

const nothing = (): RequestLimits => ({})
const boundsOf = (body: object) => requestBounds(body as Record<string, unknown>, nothing)
const beyond = (body: object) => boundsOf(body).beyond

test('a count is what a server may read as one, such as text', () => {
  const stated = { maxOutput: '1000', answers: ' 128 ' }
  const { maxOutput, answers } = requestBounds({ model: 'm' }, () => stated)
  expect([maxOutput, answers]).toEqual([1000, 128])
  expect([7, 6.5, '6.5', '+7', '7.', 0, '0'].map(statedCount)).toEqual([7, 7, 7, 7, 7, 0, 0])
  const none = [
    -1,
    '-1',
    Number.NaN,
    Infinity,
    '',
    ' ',
    '0x10',
    'ten',
    '9'.repeat(400),
    7n,
    null,
    [7],
  ]
  expect(none.map(statedCount)).toEqual(none.map(() => undefined))
})

describe('the bytes of a request', () => {
  test('are those of its strings and names, and six for each value', () => {
    // 256 for the request. model: 5 + 6 + 6. messages: 8 + 6, one item 6; role: 4 + 6 + 4; content: 7 + 6 + 5.
    const body = { model: 'gpt-5x', messages: [{ role: 'user', content: 'Hello' }] }
    expect(boundsOf(body).inputBytes).toBe(256 + 17 + 14 + 6 + 14 + 18)
  })

  test('are UTF-8, with what JSON escapes', () => {
    const text = (content: string) => boundsOf({ content }).inputBytes - 256 - 13
    expect(text('é')).toBe(2)
    expect(text('中')).toBe(3)
    expect(text('😀')).toBe(4)
    expect(text('"\\\n')).toBe(6)
    expect(text('\u0000')).toBe(6)
    expect(text('中'.repeat(100_000))).toBe(300_000)
    expect(text('😀'.repeat(20_001))).toBeGreaterThanOrEqual(80_004)
  })

  test('of what is JSON in it are those of its longest form', () => {
    const text = (value: string) => boundsOf({ messages: [{ arguments: value }] }).inputBytes
    expect(text('中') - text('')).toBe(6)
    expect(text('😀') - text('')).toBe(12)
    expect(text('ab') - text('')).toBe(2)
  })

  test('have what tools add beside their definitions', () => {
    const tool = { type: 'function', function: { name: 'f', parameters: {} } }
    const without = boundsOf({ tools: [] }).inputBytes
    // An item 6; type: 6 + 4 + 8; function: 6 + 8; name: 6 + 4 + 1; parameters: 6 + 10.
    expect(boundsOf({ tools: [tool] }).inputBytes).toBe(without + 1024 + 6 + 18 + 14 + 11 + 16)
    const bash = { type: 'bash_20250124', name: 'bash' }
    expect(boundsOf({ tools: [bash] }).inputBytes).toBeGreaterThan(without + 2048)
    expect(beyond({ tools: [bash] })).toEqual([])
  })

  test('of tokens are their number', () => {
    const tokens = (prompt: unknown) =>
      requestBounds({ prompt }, () => ({ tokens: ['prompt'] })).inputBytes - 256
    expect(tokens([1, 2, 3])).toBe(3 + 6)
    expect(tokens([[1, 2], [3]])).toBe(2 + 6 + 1 + 6)
    expect(tokens(['ab'])).toBe(6 + 6 + 6 + 2)
  })

  test('are never fewer than the tokens of a text, whichever its letters', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), (parts) => {
        const text = parts.join('')
        const tokens = countTokens(text, {
          allowedSpecial: new Set(),
          disallowedSpecial: new Set(),
        })
        expect(textBytes(text, plain)).toBeGreaterThanOrEqual(tokens)
        expect(textBytes(text, plain)).toBeGreaterThanOrEqual(new TextEncoder().encode(text).length)
        const json = JSON.stringify(text).slice(1, -1)
        const ascii = [...json].map((each) =>
          each < '\u0080' ? each : '\\u0000'.repeat(each.length),
        )
        expect(textBytes(text, escaped)).toBeGreaterThanOrEqual(ascii.join('').length)
      }),
    )
  })
})

describe('what is not in a body', () => {
  test.each([
    [{ content: [{ type: 'image_url', image_url: { url: 'https://a.b/c.png' } }] }, ['url']],
    [
      { content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] },
      ['media'],
    ],
    [{ content: [{ type: 'input_image', image_url: 'data:image/png;base64,AA==' }] }, ['media']],
    [
      { content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }] },
      ['media'],
    ],
    [{ content: [{ type: 'file', file: { file_id: 'file-1' } }] }, ['file']],
    [{ content: [{ type: 'input_file', file_data: 'data:application/pdf;base64,AA' }] }, ['media']],
    [
      { content: [{ source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }] },
      ['media'],
    ],
    [{ content: [{ source: { type: 'url', url: 'https://a.b/c.pdf' } }] }, ['url']],
    [{ content: [{ source: { type: 'file', file_id: 'file_1' } }] }, ['file']],
    [{ content: [{ source: { type: 'text', media_type: 'text/plain', data: 'words' } }] }, []],
    [{ content: [{ type: 'redacted_thinking', data: 'AAAA' }] }, []],
    [{ contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: 'AA' } }] }] }, ['media']],
    [{ contents: [{ parts: [{ fileData: { fileUri: 'https://youtu.be/x' } }] }] }, ['file']],
    [{ content: [{ image: { format: 'png', source: { bytes: new Uint8Array(3) } } }] }, ['media']],
    [{ content: [{ document: { source: { s3Location: { uri: 's3://b/k' } } } }] }, ['file', 'url']],
    [{ messages: [{ images: ['AAAA'] }] }, ['media']],
    [{ previous_response_id: 'resp_1' }, ['history']],
    [{ conversation: { id: 'conv_1' } }, ['history']],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, ['history']],
    [{ input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, ['history']],
    [{ input: [{ type: 'reasoning', id: 'rs_1', encrypted_content: 'AAAA' }] }, []],
    [{ messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }, ['history']],
    [{ cachedContent: 'cachedContents/1' }, ['prompt']],
    [{ tools: [{ type: 'web_search' }] }, ['server_tool']],
    [{ tools: [{ googleSearch: {} }] }, ['server_tool']],
    [{ tools: [{ functionDeclarations: [{ name: 'f' }], codeExecution: {} }] }, ['server_tool']],
    [{ tools: [{ functionDeclarations: [{ name: 'f' }] }] }, []],
    [{ tools: [{ name: 'f', input_schema: { properties: { url: { type: 'string' } } } }] }, []],
    [{ toolConfig: { tools: [{ systemTool: { name: 'nova_grounding' } }] } }, ['server_tool']],
    [{ toolConfig: { tools: [{ toolSpec: { name: 'f' } }, { cachePoint: {} }] } }, []],
    [{ mcp_servers: [{ type: 'url', name: 'x', url: 'https://a.b' }] }, ['server_tool', 'url']],
    [{ mcp_servers: [] }, []],
    [{ input: [{ type: 'web_search_call', id: 'ws_1' }] }, ['server_tool']],
    [
      { messages: [{ content: [{ type: 'web_search_tool_result', content: [] }] }] },
      ['server_tool'],
    ],
    [{ messages: [{ content: [{ type: 'tool_result', content: 'x' }] }] }, []],
    // What the model or the application wrote as JSON is text, whatever its fields are called.
    [
      { messages: [{ content: [{ type: 'tool_use', input: { url: 'https://a.b', data: 'x' } }] }] },
      [],
    ],
    [{ contents: [{ parts: [{ functionCall: { args: { file_id: '1' } } }] }] }, []],
    [{ messages: [{ content: 'data:image/png;base64,AAAA is text' }] }, []],
    [{ documents: [{ url: 'https://a.b', text: 'x' }] }, []],
  ])('%j', (body, expected) => {
    expect(beyond({ model: 'm', ...body })).toEqual(expected)
  })

  test('is everything where nothing but the model is known', () => {
    expect(beyond({ model: 'm' })).toEqual(['unread'])
    expect(beyond({ messages: [{ toJSON: () => 'x' }] })).toEqual(['unread'])
  })

  test('is said of a body that goes on without end, or throws when it is read', () => {
    const round: Record<string, unknown> = {}
    round['a'] = [round, round]
    expect(beyond(round)).toEqual(['unread'])
    const { proxy, revoke } = Proxy.revocable({ messages: [] }, {})
    revoke()
    expect(beyond(proxy)).toEqual(['unread'])
    const thrower = requestBounds({ a: 'b' }, () => {
      throw new Error('broken')
    })
    expect(thrower.beyond).toEqual(['unread'])
  })

  test('is never an error, whatever the body is', () => {
    fc.assert(
      fc.property(fc.object({ withDate: true, withTypedArray: true, withBigInt: true }), (body) => {
        const { inputBytes } = requestBounds(body as Record<string, unknown>, nothing)
        expect(Number.isSafeInteger(inputBytes)).toBe(true)
      }),
    )
  })
})

test('caching is asked for by a mark, wherever it stands', () => {
  const mark = { cache_control: { type: 'ephemeral' } }
  expect(boundsOf({ system: [{ type: 'text', text: 'x', ...mark }] }).cacheWrites).toBe(true)
  expect(boundsOf({ tools: [{ name: 'f', ...mark }] }).cacheWrites).toBe(true)
  expect(boundsOf({ messages: [{ content: [{ cachePoint: {} }] }] }).cacheWrites).toBe(true)
  expect(boundsOf({ messages: [{ content: 'cache_control' }] }).cacheWrites).toBe(false)
})

test('what is no count is no cap, and no number of answers', () => {
  const limits = (maxOutput: unknown, answers: unknown) => {
    const bounds = requestBounds({ a: 'b' }, () => ({ maxOutput, answers }))
    return [bounds.maxOutput, bounds.answers]
  }
  expect(limits(100, 3)).toEqual([100, 3])
  expect(limits(0, 0)).toEqual([0, 1])
  expect(limits('100', '3')).toEqual([100, 3])
  expect(limits('a lot', '')).toEqual([undefined, 1])
  expect(limits(-1, Number.NaN)).toEqual([undefined, 1])
  expect(limits(Infinity, Infinity)).toEqual([undefined, 1])
})

test('media have no bound in tokens', () => {
  expect(mediaOf({ prompt: 'x' }, { answers: 2 })).toMatchObject({ beyond: ['media'], answers: 2 })
})

test('a batch is the sum of its requests', () => {
  const request = (maxOutput: number | undefined, answers: number, text: string) =>
    requestBounds({ text }, () => ({ maxOutput, answers }))
  const [small, large] = [request(10, 1, 'a'), request(100, 2, 'bb')]
  const batch = batchOf([small, large], 5)
  expect(batch).toEqual({
    inputBytes: small.inputBytes + large.inputBytes,
    // 10 + 200 tokens in three answers.
    maxOutput: 70,
    answers: 3,
    beyond: [],
    cacheWrites: false,
    noOutput: false,
    jobForMs: 5,
  })
  expect(batchOf([small, request(undefined, 1, 'c')], 5).maxOutput).toBe(undefined)
  expect(batchOf([], 5).beyond).toEqual(['file'])
  const vectors = requestBounds({ text: 'x' }, () => ({ noOutput: true }))
  expect(batchOf([vectors], 5)).toMatchObject({ noOutput: true, maxOutput: 0 })
})
