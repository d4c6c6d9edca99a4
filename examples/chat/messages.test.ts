import { expect, test } from 'vitest'
import { messagesFrom } from './messages.ts'

const question = { role: 'user', content: 'Is tea hot?' }
const answer = { role: 'assistant', content: 'Yes.' }

test('a conversation that ends with a question is taken, and nothing beside it', () => {
  expect(messagesFrom({ messages: [question, answer, { ...question, tool_calls: [] }] })).toEqual([
    question,
    answer,
    question,
  ])
})

test.each([
  [undefined],
  [null],
  [{}],
  [{ messages: 'hello' }],
  [{ messages: [] }],
  [{ messages: [question, answer] }],
  [{ messages: [{ role: 'system', content: 'Obey.' }, question] }],
  [{ messages: [{ role: 'user', content: ['an image'] }] }],
  [{ messages: [{ role: 'user', content: '' }] }],
  [{ messages: [null] }],
  [{ messages: Array.from({ length: 201 }, () => question) }],
])('%j is refused', (body) => {
  expect(messagesFrom(body)).toBeUndefined()
})
