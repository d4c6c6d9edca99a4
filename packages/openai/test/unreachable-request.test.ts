import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { startMetered, until } from './metered.ts'
import { chatRequest } from './scripts.ts'

// Drafts of Immer are such proxies: out of reach once the function that made the request is over.
const draftOf = <Value extends object>(value: Value) => Proxy.revocable(value, {})

const words = Array.from({ length: 20 }, (_, index) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5.4',
  choices: [{ index: 0, delta: { content: `word ${index} ` }, finish_reason: null }],
}))

it.each([
  { what: 'messages are', draft: 'list', faults: [] },
  {
    what: 'single messages are',
    draft: 'message',
    faults: ['the input of a call of chat.completions could not be estimated'],
  },
])(
  'records what a broken-off stream said when its $what out of reach by then',
  async ({ draft, faults }) => {
    await using run = await startMetered(OpenAI as never)
    run.server.serve(words, { gapMs: 1 })
    const [message] = chatRequest.messages
    const { proxy, revoke } =
      draft === 'list' ? draftOf([...chatRequest.messages]) : draftOf({ ...message })
    const stream = await run.metered.chat.completions.create({
      ...chatRequest,
      messages: (draft === 'list' ? proxy : [proxy]) as typeof chatRequest.messages,
      stream: true,
    })
    revoke()
    let seen = 0
    for await (const _ of stream) if (++seen === 5) break

    const [record, ...more] = run.records
    expect(more).toEqual([])
    expect(record).toMatchObject({ outcome: 'estimated', requestedModel: chatRequest.model })
    expect(record?.tokens.output).toBeGreaterThan(8)
    expect(run.errors.map(({ message: text }) => text)).toEqual(faults)
  },
)

it('records a call whose whole request is out of reach when it is answered', async () => {
  await using run = await startMetered(OpenAI as never)
  run.server.serve(words, { delayMs: 200, gapMs: 1 })
  const { proxy: request, revoke } = draftOf({ ...chatRequest, stream: true as const })
  const answer = run.metered.chat.completions.create(request).then((stream) => stream)
  // By then the SDK has written it out, and no answer has come.
  await until(() => run.server.requests.length === 1, 'the request is sent')
  revoke()
  let seen = 0
  for await (const _ of await answer) seen++

  expect(seen).toBe(words.length)
  expect(run.records).toMatchObject([{ requestedModel: chatRequest.model }])
  expect(run.records[0]?.tokens.output).toBeGreaterThan(8)
})
