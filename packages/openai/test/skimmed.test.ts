import { recordings } from '@token-meter/testkit/internal'
import { recordingsAreAbsent } from '@token-meter/testkit/internal/suites'
import { followedTwice, recordedEvents } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { chatCompletions, legacyCompletions } from '../src/wire/chat-completions.ts'
import { responsesEndpoint } from '../src/wire/responses.ts'

const endpoints = {
  chat: chatCompletions,
  completions: legacyCompletions,
  responses: responsesEndpoint(),
}
const streams = recordings().filter(({ provider, stream }) => provider === 'openai' && stream)

describe.skipIf(recordingsAreAbsent())('a stream that is cut off anywhere', () => {
  test.each(streams)('$name is what each of its events says', ({ file, endpoint }) => {
    const lines = recordedEvents(file)
    const step = Math.ceil(lines.length / 40)
    for (let end = 0; end <= lines.length; end += step) {
      for (const hidesUsage of [false, true]) {
        const options = { provider: 'openai', hidesUsage }
        const reader = endpoints[endpoint as keyof typeof endpoints]
        const [skimmed, read] = followedTwice(reader, lines.slice(0, end), options)
        expect({ ...skimmed, parsed: 0 }).toEqual({ ...read, parsed: 0 })
      }
    }
  })

  test('is parsed where it is not like what came before, and nowhere else', () => {
    const counts = streams.map(({ file, endpoint }) => {
      const reader = endpoints[endpoint as keyof typeof endpoints]
      const lines = recordedEvents(file)
      return [followedTwice(reader, lines, { provider: 'openai' })[0].parsed, lines.length] as const
    })
    const sum = (place: 0 | 1) => counts.reduce((total, count) => total + count[place], 0)
    expect(sum(0)).toBeLessThan(sum(1) / 2)
  })
})
