import { recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { followedTwice, recordedEvents } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { messages } from '../src/wire/messages.ts'

const streams = recordings().filter(({ provider, stream }) => provider === 'anthropic' && stream)

describe.skipIf(recordingsAreAbsent())('a stream that is cut off anywhere', () => {
  test.each(streams)('$name is what each of its events says', ({ file }) => {
    const lines = recordedEvents(file)
    const step = Math.ceil(lines.length / 40)
    for (let end = 0; end <= lines.length; end += step) {
      for (const hidesUsage of [false, true]) {
        const options = { provider: 'anthropic', hidesUsage }
        const [skimmed, read] = followedTwice(messages, lines.slice(0, end), options)
        expect({ ...skimmed, parsed: 0 }).toEqual({ ...read, parsed: 0 })
      }
    }
  })

  test('is parsed where it is not like what came before, and nowhere else', () => {
    const counts = streams.map(({ file }) => {
      const lines = recordedEvents(file)
      return [
        followedTwice(messages, lines, { provider: 'anthropic' })[0].parsed,
        lines.length,
      ] as const
    })
    const sum = (place: 0 | 1) => counts.reduce((total, count) => total + count[place], 0)
    expect(sum(0)).toBeLessThan(sum(1) / 2)
  })
})
