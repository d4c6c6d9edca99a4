import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutAt } from '../../../test/framed.ts'
import { searchRuns } from '../../../test/search-runs.ts'
import { EventFilter, type EventWatch, jsonLines, serverSentEvents } from './event-filter.ts'

const body = [
  ': a comment',
  'event: first\ndata: {"a":1,"usage":null}',
  'data: {"text":"ü漢\\n\\n"}\r\ndata:  ',
  'data: {"hide":true}',
  'data: {"usage":null,"b":2}',
  'data: [DONE]',
  'data: not json',
].join('\n\n')

const bytes = new TextEncoder().encode(body)

function run(pieces: readonly Uint8Array[]) {
  const seen: unknown[] = []
  const filter = new EventFilter({
    push(event) {
      seen.push(event)
      const { usage: _, hide, ...fields } = event as { usage?: null; hide?: boolean }
      return hide === true ? undefined : fields
    },
  })
  const passed = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.flush()])
  return { passed, seen }
}

describe('EventFilter', () => {
  test('hides events, takes null keys out, and passes everything else as it is', () => {
    expect(run([bytes]).passed.toString()).toBe(
      body
        .replace('data: {"hide":true}\n\n', '')
        .replace(',"usage":null', '')
        .replace('"usage":null,', ''),
    )
  })

  test('does the same however the bytes were cut', () => {
    const whole = run([bytes])
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end))
        expect(run(pieces)).toEqual(whole)
      }),
    )
  })

  test('keeps bytes that are no UTF-8, also in an event that it changes', () => {
    const broken = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('","usage":null}\n\n'),
    ])
    const expected = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}\n\n'),
    ])
    expect(run([broken]).passed).toEqual(expected)
  })

  test.each(['\n\n', '\r\n\r\n', '\r\r'])('ends an event at %j', (end) => {
    const { passed, seen } = run(
      [...`data: {"a":1}${end}data: {"b":2}${end}`].map((c) => Buffer.from(c)),
    )
    expect(passed.toString()).toBe(`data: {"a":1}${end}data: {"b":2}${end}`)
    expect(seen).toEqual([{ a: 1 }, { b: 2 }])
  })
})

describe('events that are alike', () => {
  /** What an event does to a reader: sets what it says, and adds its words. */
  interface Said {
    readonly text?: string
    readonly model?: string
    readonly count?: number
  }

  /** A reader that keeps the last of what was set, in the order that it was set in, and all words. */
  function reading(isSkimmed: boolean): EventWatch & { state: unknown[]; parsed: number } {
    const plain = { text: ['delta', 0, 'text'], ignored: ['filler', 'number'] }
    const watch = {
      state: ['', undefined, 0] as [string, unknown, number],
      parsed: 0,
      push(event: unknown) {
        watch.parsed++
        const { delta, model, count, usage } = event as Said & { delta?: Said[]; usage?: null }
        watch.state[0] += delta?.[0]?.text ?? ''
        if (model !== undefined) watch.state[1] = model
        watch.state[2] += count ?? 0
        if (usage !== null) return event
        const { usage: _, ...rest } = event as { usage: null }
        return rest
      },
      ...(isSkimmed && {
        plain: (event: unknown) => ((event as Said).count === undefined ? plain : undefined),
        skim: (_: unknown, text: string) => void (watch.state[0] += text),
      }),
    }
    return watch
  }

  function followed(pieces: readonly Uint8Array[], framing = serverSentEvents, isSkimmed = true) {
    const watch = reading(isSkimmed)
    const filter = new EventFilter(watch, framing)
    const passed = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.flush()])
    return { passed: passed.toString('latin1'), state: watch.state, parsed: watch.parsed }
  }

  const words = fc.oneof(
    fc.string({ maxLength: 9 }),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.constantFrom('', '"', '\\', '\\"}', '"text":"', '\n\n', '\r', '\u2028', 'data: ', '\uD83D'),
  )
  const event = fc.record(
    {
      id: fc.constant('ü'),
      usage: fc.constant(null),
      delta: fc.tuple(
        fc.record({ text: words, other: fc.constant({ a: [] }) }, { requiredKeys: [] }),
      ),
      model: fc.constantFrom('a', 'b'),
      count: fc.constantFrom(1, undefined),
      number: fc.oneof(fc.nat(2000), fc.constantFrom(-1, 1.5, 1e30)),
      filler: fc.string({ maxLength: 4 }),
    },
    { requiredKeys: ['delta'] },
  )
  /** Mostly the same event with other words, as it is in a stream. */
  const stream = fc
    .array(fc.tuple(event, fc.array(fc.tuple(words, fc.string({ maxLength: 3 }), fc.nat()))), {
      maxLength: 6,
    })
    .map((kinds) =>
      kinds.flatMap(([kind, likes]) => [
        kind,
        ...likes.map(([text, filler, number]) => ({
          ...kind,
          delta: [{ ...kind.delta[0], text }],
          ...('filler' in kind && { filler }),
          ...('number' in kind && { number }),
        })),
      ]),
    )
  const blanks = fc.constantFrom(0, 1, 7)
  const cuts = fc.array(fc.nat(), { maxLength: 30 })

  test.each(['\n', '\r\n', 'lines'])('do the same as if each was read (%j)', (end) => {
    const isSse = end !== 'lines'
    const framing = isSse ? serverSentEvents : jsonLines
    fc.assert(
      fc.property(stream, fc.array(blanks), cuts, fc.nat(300), (events, padded, at, broken) => {
        const text = events.map((each, index) => {
          const json = JSON.stringify(each)
          const filled = json.replace(/\}$/, `${' '.repeat(padded[index] ?? 0)}}`)
          return isSse ? `event: e${end}data: ${filled}${end}${end}` : `${filled}\n`
        })
        const bytes = Buffer.from(text.join(''))
        // A byte that is no UTF-8, wherever it is.
        if (broken < bytes.length) bytes[broken] = 0xff
        const places = at.map((place) => place % (bytes.length + 1))
        const expected = followed([bytes], framing, false)
        const skimmed = followed(cutAt(bytes, places), framing)
        expect({ ...skimmed, parsed: 0 }).toEqual({ ...expected, parsed: 0 })
      }),
      { numRuns: searchRuns(300) },
    )
  })

  const chunk = (text: string, filler = 'x', number = 1) =>
    `data: ${JSON.stringify({ model: 'm', usage: null, delta: [{ text }], number, filler })}\n\n`
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      chunk(`w${index}"\n漢`, 'y'.repeat(index % 5), index),
    )

  test('of a thousand one is parsed', () => {
    const sent = many(1000).map((each) => Buffer.from(each))
    const { parsed, passed } = followed(sent)
    expect(parsed).toBe(1)
    expect(passed).not.toContain('usage')
  })

  test('an event in between is read, and so is the one behind it', () => {
    const other = `data: ${JSON.stringify({ delta: [], model: 'n', count: 1 })}\n\n`
    const { parsed, state } = followed([Buffer.from([...many(9), other, ...many(9)].join(''))])
    expect(parsed).toBe(3)
    expect(state.slice(1)).toEqual(['m', 1])
  })

  test('a stream of which no event is like another is looked through in vain only so often', () => {
    let asked = 0
    const filter = new EventFilter({
      push: (each) => each,
      plain: () => {
        asked++
        return { text: ['delta', 0, 'text'] }
      },
    })
    for (const each of many(100)) filter.push(Buffer.from(each))
    expect(asked).toBe(16)
  })
})

describe('an event that is too long to be kept', () => {
  const long = `data: {"text":"${'x'.repeat(500)}"}\n\n`
  const short = 'data: {"a":1}\n\n'
  const bytes = Buffer.from(`${short}${long}${short}${long}`)

  test('goes on as it came, is told, and those behind it are read', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { minLength: 30, maxLength: 60 }), (cuts) => {
        const seen: unknown[] = []
        const watch = {
          push: (event: unknown) => void seen.push(event),
          tooLong: () => void seen.push('too long'),
        }
        const filter = new EventFilter(watch, serverSentEvents, 20)
        const pieces = cutAt(bytes, [...cuts, 100, 300, 700]).map((piece) => filter.push(piece))
        const passed = Buffer.concat([...pieces, filter.flush()]).toString()
        expect(seen.filter((each) => each === 'too long').length).toBe(2)
        expect(seen.length).toBe(4)
        expect(passed).toBe(`${long}${long}`)
      }),
    )
  })

  test('takes no longer than its length, however small its pieces', () => {
    const filter = new EventFilter({ push: (event) => event })
    const piece = new Uint8Array(1000).fill(0x41)
    const began = performance.now()
    for (let count = 0; count < 30_000; count++) filter.push(piece)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})
