import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { passInterim } from './interim.ts'

/** A response of a Node that has these alone. */
function olderResponse(more: object = {}) {
  const sent: unknown[] = []
  const response = {
    headersSent: false,
    destroyed: false,
    writeProcessing: () => sent.push(102),
    writeEarlyHints: (hints: object) => sent.push(hints),
    ...more,
  }
  return { sent, response: response as unknown as ServerResponse }
}

const link = ['Link', '</a>; rel=preload', 'link', '</b>; rel=preload', 'X-A', '1']

test('a Node without a way for any interim answer passes on what it has one for', () => {
  const { sent, response } = olderResponse()
  passInterim(response, 103, link)
  passInterim(response, 102, [])
  passInterim(response, 199, ['x', 'y'])
  expect(sent).toEqual([{ link: ['</a>; rel=preload', '</b>; rel=preload'], 'x-a': ['1'] }, 102])
})

test('what Node does not take is left out, and nothing follows an answer', () => {
  const writeEarlyHints = () => {
    throw new TypeError('no link')
  }
  passInterim(olderResponse({ writeEarlyHints }).response, 103, [])
  const late = olderResponse({ headersSent: true })
  passInterim(late.response, 103, link)
  expect(late.sent).toEqual([])
})
