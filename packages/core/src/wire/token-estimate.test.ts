import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { TokenEstimate, tokenWeight, weightOfToken } from './token-estimate.ts'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes(): number {
  for (let round = 0; round < 3; round++) collectGarbage()
  return process.memoryUsage().heapUsed
}

const english =
  'The quick brown fox jumps over the lazy dog, and then it runs away into the forest. '

describe('TokenEstimate', () => {
  test.each([
    // Counted with o200k.
    ['English', english.repeat(10), 190],
    [
      'German',
      'Der schnelle braune Fuchs springt über den faulen Hund und läuft davon. '.repeat(10),
      170,
    ],
    ['Chinese', '敏捷的棕色狐狸跳过了懒狗然后跑进了森林里'.repeat(10), 165],
  ])('%s comes within a quarter', (_, text, tokens) => {
    const estimate = new TokenEstimate()
    estimate.add(text)
    expect(Math.abs(estimate.tokens - tokens) / tokens).toBeLessThan(0.25)
  })

  test('counts a message that begins with an address', () => {
    const estimate = new TokenEstimate()
    estimate.addStrings([`https://example.com/fox ${english}`])
    const address = new TokenEstimate()
    address.addStrings(['https://example.com/fox', 'data:image/png;base64,AAAA\nBBBB'])
    expect(estimate.tokens).toBeGreaterThan(15)
    expect(address.isEmpty).toBe(true)
  })

  test('is the same however the text was cut', () => {
    const whole = new TokenEstimate()
    whole.add(english)
    const pieces = new TokenEstimate()
    for (const character of english) pieces.add(character)
    expect(pieces.tokens).toBe(whole.tokens)
  })

  test('finds the text in a request, and leaves inlined files and links out', () => {
    const estimate = new TokenEstimate()
    estimate.addStrings([
      { role: 'user', content: 'abcd' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9999)}` } },
        ],
      },
      { input_audio: { data: 'A'.repeat(9999) }, file_data: 'A'.repeat(9999) },
      undefined,
      null,
      7,
    ])
    expect(estimate.tokens).toBeLessThan(20)
  })

  test.each<[string, unknown, unknown]>([
    [
      'ids, roles and types',
      {
        role: 'user',
        id: 'msg_1',
        type: 'message',
        call_id: 'c',
        toolCallId: 'c',
        content: english,
      },
      english,
    ],
    [
      'the model and the task of an embedding',
      {
        model: 'models/gemini-embedding-001',
        taskType: 'SEMANTIC_SIMILARITY',
        task_type: 'X',
        content: { parts: [{ text: english }] },
      },
      english,
    ],
    [
      'files inside, and where they are',
      {
        inlineData: { mimeType: 'image/png', data: 'A'.repeat(999) },
        fileUri: 'gs://b/o',
        image_url: 'https://example.com/a.png',
        text: english,
      },
      english,
    ],
    [
      'signatures of thoughts',
      {
        text: english,
        thoughtSignature: 'A'.repeat(999),
        signature: 'A'.repeat(999),
        encrypted_content: 'A'.repeat(999),
      },
      english,
    ],
  ])('%s are no text', (_, value, text) => {
    const [estimate, alone] = [new TokenEstimate(), new TokenEstimate()]
    estimate.addStrings(value)
    alone.addStrings(text)
    expect(estimate.tokens).toBe(alone.tokens)
  })

  test('schemas and arguments are text with all that is in them', () => {
    const schema = { type: 'object', properties: { id: { type: 'string', description: english } } }
    for (const value of [{ parameters: schema }, { input_schema: schema }, { args: schema }]) {
      const estimate = new TokenEstimate()
      estimate.addStrings(value)
      const text = new TokenEstimate()
      text.add(JSON.stringify(schema))
      expect(estimate.tokens / text.tokens).toBeGreaterThan(0.8)
      expect(estimate.tokens / text.tokens).toBeLessThan(1.1)
    }
  })

  test('tells an answer from a tool call', () => {
    const call = new TokenEstimate()
    call.addToolCall('weather')
    call.addToolCall({ city: 'Rome', data: 'A'.repeat(9999) })
    expect([call.hasAnswer, call.hasToolCall, call.isEmpty]).toEqual([false, true, false])
    expect(call.tokens).toBeLessThan(15)
    const vector = new TokenEstimate()
    vector.addAnswer()
    expect([vector.hasAnswer, vector.hasToolCall, vector.tokens]).toEqual([true, false, 0])
    const text = new TokenEstimate()
    for (const nothing of ['', undefined, null, 7, {}]) text.add(nothing)
    expect(text.hasAnswer).toBe(false)
    text.add('a')
    expect(text.hasAnswer).toBe(true)
  })

  test('survives what refers to itself', () => {
    const circular: unknown[] = ['abcd']
    circular.push(circular)
    const estimate = new TokenEstimate()
    estimate.addStrings(circular)
    expect(estimate.tokens).toBeGreaterThan(0)
  })

  test('an empty text is none', () => {
    const estimate = new TokenEstimate()
    estimate.add('')
    estimate.add(undefined)
    expect([estimate.isEmpty, estimate.tokens]).toEqual([true, 0])
  })

  test('Claude makes more tokens of a text, by its name at any cloud', () => {
    const tokens = (model?: string) => {
      const estimate = new TokenEstimate(model)
      estimate.add(english.repeat(50))
      return estimate.tokens
    }
    expect(tokens('gpt-5.4')).toBe(tokens())
    for (const model of ['claude-sonnet-4-6', 'us.anthropic.claude-opus-4-8-v1:0']) {
      expect(tokens(model) / tokens()).toBeCloseTo(1.2)
    }
  })
})

describe('TokenEstimate with a tokenizer', () => {
  const words = (text: string) => text.split(' ').length

  test('counts a short text whole, however it was cut, and only when asked', () => {
    const asked: string[] = []
    const estimate = new TokenEstimate('m', (text) => {
      asked.push(text)
      return words(text)
    })
    for (const character of english) estimate.add(character)
    expect(asked).toEqual([])
    expect(estimate.isEmpty).toBe(false)
    expect(estimate.tokens).toBe(words(english))
    estimate.add('and more')
    expect(estimate.tokens).toBe(words(`${english}and more`))
    expect(asked).toEqual([english, `${english}and more`])
  })

  test.each([1, 7, 1_000_000])(
    'gives it 8 K characters of a long text, in pieces of %d, and goes on by their scale',
    (pieceLength) => {
      const asked: number[] = []
      const estimate = new TokenEstimate('m', (text) => {
        asked.push(text.length)
        return words(text)
      })
      const long = english.repeat(3000)
      for (let at = 0; at < long.length; at += pieceLength) {
        estimate.add(long.slice(at, at + pieceLength))
      }
      expect(Math.abs(estimate.tokens / words(long) - 1)).toBeLessThan(0.01)
      expect(asked).toEqual([8192])
    },
  )

  test('has no text any more once it has forgotten it, and counts on', () => {
    const asked: string[] = []
    const estimate = new TokenEstimate('m', (text) => {
      asked.push(text)
      return words(text)
    })
    estimate.add(english)
    const { tokens } = estimate
    estimate.forgetText()
    estimate.add(english)
    expect(estimate.tokens).toBeGreaterThan(tokens)
    expect(asked).toEqual([english])
  })

  test('is the heuristic where the tokenizer says nothing', () => {
    const plain = new TokenEstimate('claude')
    const silent = new TokenEstimate('claude', () => undefined)
    for (const estimate of [plain, silent]) estimate.add(english)
    expect(silent.tokens).toBe(plain.tokens)
  })

  test('holds as much after 50 MB as after 50 KB', () => {
    const open = (megabytes: number) => {
      const estimate = new TokenEstimate('m', words)
      for (let index = 0; index < megabytes * 10_000; index++) {
        // A string of its own, as JSON.parse makes them.
        estimate.add(`token ${index} `.padEnd(100, 'x'))
      }
      return estimate
    }
    const heldBy = (megabytes: number) => {
      const before = heapBytes()
      const estimates = Array.from({ length: 20 }, () => open(0.05))
      estimates.push(open(megabytes))
      const held = heapBytes() - before
      expect(estimates.every(({ isEmpty }) => !isEmpty)).toBe(true)
      return held
    }
    heldBy(0.05)
    const short = heldBy(0.05)
    expect(heldBy(50) - short).toBeLessThan(100_000)
    // 21 of them, each with its 8 KB and little more.
    expect(short).toBeLessThan(1_000_000)
  })
})

const samples: readonly [kind: string, text: string][] = [
  [
    'English',
    `Every evening the lighthouse keeper climbed the narrow stairs, wiped the salt from the glass
and lit the lamp. Ships passed without a word; he knew most of them by the rhythm of their engines.
When the fog came in, he rang the bell once a minute and counted the answers.`,
  ],
  [
    'German',
    `Jeden Abend stieg der Leuchtturmwärter die schmale Treppe hinauf, wischte das Salz von der
Scheibe und zündete die Lampe an. Die Schiffe zogen wortlos vorüber; die meisten erkannte er am
Rhythmus ihrer Maschinen. Bei Nebel läutete er einmal in der Minute die Glocke.`,
  ],
  [
    'TypeScript',
    `export async function readLines(path: string, limit = 100): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (lines.length >= limit) break
    lines.push(line.trimEnd())
  }
  return lines
}`,
  ],
  [
    'JSON',
    JSON.stringify({
      orders: [
        { id: 48213, sku: 'LAMP-220', quantity: 2, price: 19.95, shipped: true, notes: null },
        { id: 48214, sku: 'BELL-075', quantity: 1, price: 240, shipped: false, notes: 'fragile' },
      ],
      page: { next: 'b7f3c2', size: 2, total: 1187 },
    }),
  ],
  [
    'Chinese',
    `每天傍晚，灯塔看守人都会爬上狭窄的楼梯，擦去玻璃上的盐，点亮灯。船只默默驶过，他能从发动机的节奏
认出其中的大多数。起雾的时候，他每分钟敲一次钟，数着回应的声音。`,
  ],
  [
    'Russian',
    `Каждый вечер смотритель маяка поднимался по узкой лестнице, стирал соль со стекла и зажигал
лампу. Корабли проходили молча; большинство из них он узнавал по ритму двигателей.`,
  ],
]

describe('the heuristic, beside o200k', () => {
  test.each(samples)('%s comes within 35 %%', (_, text) => {
    const counted = countTokens(text)
    expect(Math.abs(tokenWeight(text) / weightOfToken / counted - 1)).toBeLessThan(0.35)
  })

  test('all of them together come within 10 %', () => {
    const text = samples.map(([, sample]) => sample).join('\n')
    expect(Math.abs(tokenWeight(text) / weightOfToken / countTokens(text) - 1)).toBeLessThan(0.1)
  })
})

test('a part of a long text stands for all of it', () => {
  const tokensOf = (estimate: TokenEstimate, text: string) => {
    estimate.add(text)
    return estimate.tokens
  }
  const long = samples.map(([, sample]) => sample.repeat(100)).join('\n')
  const whole = tokensOf(new TokenEstimate(), long)
  expect(Math.abs(tokensOf(new TokenEstimate().roughly(), long) / whole - 1)).toBeLessThan(0.05)
  expect(tokensOf(new TokenEstimate().roughly(), english)).toBe(
    tokensOf(new TokenEstimate(), english),
  )
})

test('every character weighs something', () => {
  for (let code = 0; code < 0x10000; code++) {
    expect(tokenWeight(String.fromCharCode(code))).toBeGreaterThan(0)
  }
})
