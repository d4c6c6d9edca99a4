import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { type Metered, startMetered, until } from './metered.ts'
import { queuedResponse } from './scripts.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

type Create = (run: Metered, body: object) => Promise<unknown>

test.each<[string, Record<string, unknown>, Create]>([
  [
    'a background response',
    { ...queuedResponse, id: 'resp_forgotten' },
    (run, body) => run.metered.responses.create(body as never),
  ],
  [
    'a video',
    { id: 'video_forgotten', status: 'queued', model: 'sora-2' },
    (run, body) => run.metered.post('/videos', { body }),
  ],
])('%s that nobody asks for again is remembered without its prompt', async (_, reply, create) => {
  await using run = await startMetered(OpenAI)
  run.server.serve(reply)
  const send = async () => {
    const message = { role: 'user', content: 'a prompt' }
    const body = { model: 'gpt-5.4', background: true, input: [message], prompt: message }
    await create(run, body)
    return new WeakRef(message)
  }
  const prompt = await send()
  await until(() => {
    collectGarbage()
    return prompt.deref() === undefined
  }, 'the prompt is forgotten')
  expect(run.errors).toEqual([])
})
