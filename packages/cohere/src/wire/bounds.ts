import { batchOf, type Call, type CallBounds, requestBounds } from '@token-meter/core/wire'

type Bounds = (body: Call['body']) => CallBounds

/** Cohere's templates explain themselves at length; not all of that is billed. */
const templateTokens = 1024

/** The most that a chat of either version, or what came before them, can use. */
export const textBounds: Bounds = (body) =>
  requestBounds(body, ({ max_tokens: cap, num_generations: answers, conversation_id: id }) => ({
    maxOutput: cap,
    answers,
    beyond: [(id ?? '') !== '' && 'history'],
    added: templateTokens,
  }))

/** The most that vectors can use: nothing is written. */
export const embedBounds: Bounds = (body) =>
  requestBounds(body, ({ texts, inputs }) => ({
    added: 32 * (lengthOf(texts) + lengthOf(inputs)),
    noOutput: true,
  }))

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

/** What is billed by the search, the text or the page, and not by tokens. */
export const pieceBounds: Bounds = (body) =>
  requestBounds(body, () => ({ beyond: ['unknown'], noOutput: true }))

const dayMs = 24 * 60 * 60 * 1000

/** What a job reads is in a data set of before. */
export const jobBounds = (kind: 'embedJobs' | 'batches'): CallBounds => ({
  ...batchOf([], dayMs),
  noOutput: kind === 'embedJobs',
})
