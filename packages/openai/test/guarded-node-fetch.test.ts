import Cerebras from '@cerebras/cerebras_cloud_sdk'
import { RefusedError } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { startGuarded } from './guarded.ts'
import { until } from './metered.ts'
import { chatRequest, chatScript } from './scripts.ts'
import type { SdkClass } from './sdk-majors.ts'

/** An SDK that sends by node-fetch, whose bodies are streams of Node's. */
const start = () =>
  startGuarded(Cerebras as unknown as SdkClass, undefined, { warmTCPConnection: false })
type Run = Awaited<ReturnType<typeof start>>

const script = [
  ...Array.from({ length: 60 }, () => ({
    ...chatScript[0],
    choices: [{ index: 0, delta: { content: 'five words of plain text ' }, finish_reason: null }],
  })),
  { ...chatScript[0], choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
]

/** The body of a raw response. */
async function bodyOf({ metered }: Run): Promise<NodeJS.ReadableStream> {
  const asked = metered.chat.completions.create({ ...chatRequest, stream: true } as never)
  const { body } = (await (asked as unknown as { asResponse(): unknown }).asResponse()) as {
    body: NodeJS.ReadableStream
  }
  expect(body.pipe).toBeTypeOf('function')
  return body
}

async function refusalIn(body: NodeJS.ReadableStream): Promise<unknown> {
  try {
    for await (const _ of body);
  } catch (error) {
    return error
  }
  return 'no refusal'
}

describe('a raw response of node-fetch under a guard', () => {
  test.each<[how: string, refuse: () => Promise<void>]>([
    ['at once', () => Promise.reject(new RefusedError())],
    ['later', () => new Promise((_, reject) => setImmediate(() => reject(new RefusedError())))],
    [
      'by a throw',
      () => {
        throw new RefusedError()
      },
    ],
  ])('ends with the refusal where its hold may not grow, told %s', async (_, refuse) => {
    await using run = await start()
    run.guard.progress = (tokens) => (tokens < 130 ? undefined : refuse())
    run.server.serve(script, { gapMs: 2 })
    expect(await refusalIn(await bodyOf(run))).toBeInstanceOf(RefusedError)
    await until(() => run.records.length === 1, 'it is recorded')
    expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
    expect(run.records[0]?.tokens.output).toBeGreaterThan(120)
    expect(run.records[0]?.tokens.output).toBeLessThan(290)
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(run.guard.ends).toEqual([['settled']])
    await run.server.requests[0]?.closed
    expect(run.server.requests[0]?.closedEarly).toBe(true)
    expect(run.errors).toEqual([])
  })

  test('ends with it also where nothing more comes, and what is no Error is the text of one', async () => {
    await using run = await start()
    let refuse = (): void => {}
    run.guard.progress = () => new Promise((_, reject) => (refuse = () => void reject('too much')))
    run.server.serve(script, { hangAfterEvents: 40 })
    const read = refusalIn(await bodyOf(run))
    await until(() => (run.guard.holds[0]?.seen.length ?? 0) > 0, 'its hold is asked to grow')
    refuse()
    expect(await read).toMatchObject({ message: 'too much' })
    expect(run.records).toHaveLength(1)
    expect(run.guard.ends).toEqual([['settled']])
  })

  test('goes on to its end where its hold may grow', async () => {
    await using run = await start()
    run.guard.progress = () => Promise.resolve()
    run.server.serve(script, { gapMs: 1 })
    let text = ''
    for await (const piece of await bodyOf(run)) text += String(piece)
    expect(text).toContain('[DONE]')
    expect(run.guard.holds[0]?.seen.length).toBeGreaterThan(1)
    expect(run.guard.ends).toEqual([['settled']])
  })
})
