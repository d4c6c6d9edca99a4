import type { Fault } from '../http/fault.ts'

export const emptyAnswer = 'an empty answer'

/** Faults that pass: a sink must answer `retry` to each, and then bill once. */
export const passingFaults: readonly (readonly [name: string, fault: Fault])[] = [
  ['429', { status: 429 }],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['409, a request is in flight', { status: 409 }],
  ['a cut connection', { connection: 'reset' }],
  ['no answer in time', { connection: 'hang' }],
  ['an answer that is not JSON', { status: 200, body: '<html>Bad gateway</html>' }],
  [emptyAnswer, { status: 200, body: '' }],
  ["a proxy's error page", { status: 502, body: '<html>Bad gateway</html>' }],
  ["a proxy's error in JSON", { status: 502, body: { message: 'Bad gateway' } }],
]

/** Faults after the request took effect: the backend has the usage and the sink cannot know. */
export const lostAnswers: readonly (readonly [name: string, fault: Fault])[] = [
  ['a cut connection', { connection: 'reset', processed: true }],
  ['no answer in time', { connection: 'hang', processed: true }],
  ['an answer that is not JSON', { status: 200, body: 'oops', processed: true }],
  ['500', { status: 500, processed: true }],
]
