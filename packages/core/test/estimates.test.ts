import { describe, expect, test } from 'vitest'
import type { EstimatePolicy } from '../src/call/estimates.ts'
import { gptTokenizer } from '../src/gpt-tokenizer.ts'
import { guardedTokenizer } from '../src/meter/guarded-tokenizer.ts'
import {
  type ClientOptions,
  type MeterOptions,
  type TokenMeterError,
  type Tokenizer,
  type UsageRecord,
  createMeter,
  memoryOutbox,
} from '../src/index.ts'
import type { CallObserver } from '../src/adapter.ts'
import type { Endpoint, UsageReading } from '../src/wire.ts'

const secret = 'my prompt about Bob'
const answer = 'The lighthouse keeper climbed the narrow stairs and lit the lamp. '

const endpoint: Endpoint = {
  name: 'messages',
  read: (response) => [response as UsageReading],
  estimateInput: (body, estimate) => estimate.addStrings(body.messages),
  estimateOutput: (_, estimate) => estimate.add(answer),
}

function reading(tokens: Partial<UsageReading['tokens']>): UsageReading {
  const unknown = {
    input: undefined,
    cachedInput: undefined,
    cachedWrite: undefined,
    output: undefined,
  }
  return {
    model: 'm-1',
    tokens: { ...unknown, ...tokens },
    details: { reasoning: 1 },
    serviceTier: undefined,
    raw: Object.keys(tokens).length === 0 ? undefined : tokens,
    problems: [],
  }
}

function start(options: Partial<MeterOptions> = {}, clientOptions?: ClientOptions) {
  let observer: CallObserver | undefined
  const errors: TokenMeterError[] = []
  const records: UsageRecord[] = []
  const outbox = memoryOutbox()
  const meter = createMeter({
    providers: [
      {
        name: 'example',
        clientDescription: 'any object',
        recognises: (client: object): client is object => client !== null,
        observe(client, itsObserver) {
          observer = itsObserver
          return client
        },
      },
    ],
    outbox,
    onError: (error) => void errors.push(error),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  meter({}, 'cus_1', clientOptions)
  const begin = () => {
    const body = { model: 'm', messages: [{ role: 'user', content: secret }] }
    const call = { provider: 'example', endpoint: 'messages', method: 'POST', body }
    return (observer as CallObserver).begin(call, endpoint)
  }
  const end = (how: 'complete' | 'interrupted', ...readings: UsageReading[]) => {
    const call = begin()
    const output = call.newEstimate()
    output.add(answer)
    call.end(readings, how, output)
  }
  return { meter, outbox, errors, records, begin, end }
}

describe("onInterrupted: 'partial-only'", () => {
  const options = { onInterrupted: 'partial-only' } as const
  const said = { input: 40, cachedInput: 9 }

  test('keeps what the provider said, and names what it did not say', () => {
    const { end, records, errors } = start(options)
    end('interrupted', reading(said))
    expect(records).toMatchObject([
      {
        tokens: { input: 40, cachedInput: 9, cachedWrite: 0, output: 0 },
        outcome: 'partial',
        details: { reasoning: 1, unknown: ['output'] },
      },
    ])
    expect(records[0]?.details).not.toHaveProperty('estimated')
    expect(errors).toEqual([])
  })

  test('where nothing was said, the record says just that: reported, in the ledger, billed as nothing', async () => {
    const sent: UsageRecord[] = []
    const sinks = [
      async function warehouse(batch: readonly UsageRecord[]) {
        sent.push(...batch)
      },
    ]
    const { meter, outbox, end, records, errors } = start({ ...options, sinks })
    end('interrupted', reading({}))
    const [record] = records
    expect(record).toMatchObject({
      tokens: { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 },
      outcome: 'partial',
      details: { unknown: ['input', 'cached_input', 'cached_write', 'output'] },
      raw: null,
    })
    expect(errors).toMatchObject([{ code: 'usage', message: expect.stringContaining('cut off') }])
    await meter.flush()
    expect(sent).toEqual([record])
    expect(await outbox.find(record?.id ?? '')).toEqual(record)
    await meter.close()
  })

  test('a response that nobody read is one that was cut off', () => {
    const { begin, records } = start(options)
    begin().abandon()
    expect(records).toMatchObject([{ outcome: 'partial', details: { unknown: { length: 4 } } }])
  })

  test('a response that has ended without its usage is estimated all the same, and reported', () => {
    const { begin, end, records, errors } = start(options)
    end('complete', reading(said))
    begin().respond(reading(said))
    for (const record of records) {
      expect(record).toMatchObject({ outcome: 'estimated', details: { estimated: ['output'] } })
      expect(record.tokens.output).toBeGreaterThan(5)
    }
    expect(records).toHaveLength(2)
    expect(errors).toMatchObject([{ code: 'usage' }, { code: 'usage' }])
  })

  test.each([
    ['the client over the meter', { onInterrupted: 'estimate' }, options, 'partial'],
    ['the client over the meter', options, { onInterrupted: 'estimate' }, 'estimated'],
    ['the meter', options, undefined, 'partial'],
    ['the default', {}, undefined, 'estimated'],
  ] as const)('decided by %s', (_, meterOptions, clientOptions, outcome) => {
    const { end, records } = start(meterOptions, clientOptions)
    end('interrupted', reading(said))
    expect(records).toMatchObject([{ outcome, tokens: { input: 40, cachedInput: 9 } }])
  })
})

describe('wrong options', () => {
  test.each([
    { onInterrupted: 'drop' },
    { onInterrupted: null },
    { tokenizer: 'gpt-4o' },
    { tokenizer: null },
    { tokenizer: { count: 4 } },
  ])('of the meter: %o', (options) => {
    expect(() => start(options as never)).toThrow(expect.objectContaining({ code: 'config' }))
  })

  test('of a client', () => {
    expect(() => start({}, { onInterrupted: 'drop' as never })).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringContaining('onInterrupted'),
      }),
    )
  })
})

describe('a tokenizer', () => {
  const byWords: Tokenizer = { count: (text) => text.match(/\S+/g)?.length }

  test('is given the requested model, and its counts are the estimate', () => {
    const models = new Set<string>()
    const count: Tokenizer['count'] = (text, model) => {
      models.add(model)
      return byWords.count(text, model)
    }
    const { end, records } = start({ tokenizer: { count } })
    end('interrupted', reading({}))
    expect(records).toMatchObject([
      { tokens: { input: 4, output: 11 }, details: { estimated: ['input', 'output'] } },
    ])
    expect([...models]).toEqual(['m'])
  })

  test('is not asked where the provider gave its counts', () => {
    let asked = 0
    const { end, records } = start({ tokenizer: { count: () => ++asked } })
    end('complete', reading({ input: 1, output: 2 }))
    end('interrupted', reading({ input: 1, output: 2 }))
    expect([records.length, asked]).toEqual([2, 0])
  })

  test.each<[what: string, count: () => unknown]>([
    [
      'throws',
      () => {
        throw new Error(secret)
      },
    ],
    ['answers NaN', () => NaN],
    ['answers a negative count', () => -1],
    ['answers none for some text', () => 0],
    ['answers more tokens than bytes', () => 1e9],
    ['answers text', () => secret],
    ['answers a promise', async () => 7],
    ['answers a promise that rejects', () => Promise.reject(new Error(secret))],
  ])('that %s is replaced by the heuristic, and reported once', (_, count) => {
    const heuristic = start()
    const { end, records, errors } = start({ tokenizer: { count: count as never } })
    for (const run of [{ end }, heuristic]) run.end('interrupted', reading({}))
    end('interrupted', reading({}))
    expect(records).toHaveLength(2)
    for (const { tokens } of records) expect(tokens).toEqual(heuristic.records[0]?.tokens)
    expect(errors).toMatchObject([{ code: 'observer' }])
    expect(errors[0]?.message).toMatch(/^the tokenizer (threw|answered) .*heuristic/)
    expect(errors[0]?.message).not.toContain(secret)
  })

  test('that cannot be made ready is reported at once, and estimates go on', async () => {
    const ready = Promise.reject(new Error('no such package'))
    const { end, records, errors } = start({ tokenizer: { count: () => undefined, ready } })
    await expect.poll(() => errors.length).toBe(1)
    expect(errors[0]?.message).toMatch(/could not be made ready \(no such package\)/)
    end('interrupted', reading({}))
    expect(records).toMatchObject([{ outcome: 'estimated' }])
  })
})

test('a guarded gptTokenizer answers nothing until it is loaded, then counts', async () => {
  const tokenizer = gptTokenizer()
  const count = guardedTokenizer(tokenizer, (what) => {
    throw new Error(what)
  }) satisfies EstimatePolicy['count']
  expect(count(answer, 'gpt-5.4')).toBeUndefined()
  await tokenizer.ready
  expect(count(answer, 'gpt-5.4')).toBe(13)
})
