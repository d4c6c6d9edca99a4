import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { guardedStart, refusalOf } from './guarded-run.ts'
import { nextTask, sameHeaders, type Start, until } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'
import { RefusedError } from './watched-guard.ts'

/** A hold that grows with a stream: where it may not, the stream ends, and what was used is recorded. */
export function growingHoldTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded } = suite
  const startGuarded = guardedStart(start)
  const texts = Array.from({ length: 60 }, () => 'five words of plain text ')
  const events = suite.wire.events(texts, [suite.wire.usage])

  /** Reads a stream, of which some SDKs hand the error on as an event. */
  async function readToError(stream: AsyncIterable<unknown>): Promise<number> {
    let length = 0
    for await (const event of stream) {
      const error = suite.read.eventError?.(event)
      if (error !== undefined) throw error as Error
      length += suite.read.eventText(event).length
    }
    return length
  }

  test.each<[how: string, refuse: () => Promise<void>]>([
    ['when it is asked', () => Promise.reject(new RefusedError())],
    [
      'at once',
      () => {
        throw new RefusedError()
      },
    ],
    ['later', () => nextTask().then(() => Promise.reject(new RefusedError()))],
  ])('a refusal that comes %s ends the stream', async (_, refuse) => {
    await using held = await startGuarded()
    const { run, guard } = held
    guard.progress = (tokens) => (tokens < 130 ? undefined : refuse())
    run.server.serve(events, { gapMs: 2, headers: sameHeaders })
    expect(await refusalOf(async () => await readToError(await run.stream()))).toBeInstanceOf(
      RefusedError,
    )
    await run.recorded(1)
    expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
    expect(run.records[0]?.tokens.output).toBeGreaterThan(120)
    expect(run.records[0]?.tokens.output).toBeLessThan(290)
    expect(held.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(guard.ends).toEqual([['settled']])
    await run.server.requests[0]?.closed
    expect(run.server.requests[0]?.closedEarly).toBe(true)
    expect(run.errors).toEqual([])
  })

  test('a refusal ends the stream also where nothing more comes', async () => {
    await using held = await startGuarded()
    const { run, guard } = held
    let refuse = (): void => {}
    guard.progress = () =>
      new Promise((_, reject) => (refuse = () => void reject(new RefusedError())))
    run.server.serve(events, { hangAfterEvents: 40, headers: sameHeaders })
    const read = refusalOf(async () => await readToError(await run.stream()))
    await until(() => (guard.holds[0]?.seen.length ?? 0) > 0, 'its hold is asked to grow')
    await nextTask()
    refuse()
    expect(await read).toBeInstanceOf(RefusedError)
    await run.recorded(1)
    expect(guard.ends).toEqual([['settled']])
  })

  test('a stream whose hold may grow goes on to its end', async () => {
    await using held = await startGuarded()
    const { run, guard } = held
    guard.progress = () => Promise.resolve()
    run.server.serve(events, { gapMs: 1, headers: sameHeaders })
    expect(await readToError(await run.stream())).toBe(texts.join('').length)
    await run.recorded(1)
    expect(run.records).toMatchObject([
      { outcome: 'complete', tokens: (recorded.streamed ?? recorded.whole).tokens },
    ])
    expect(guard.holds[0]?.seen.length).toBeGreaterThan(1)
    expect(guard.ends).toEqual([['settled']])
  })

  test('a stream that is dropped half way is recorded once nobody can read it any more', async () => {
    await using held = await startGuarded()
    const { run, guard } = held
    guard.progress = () => Promise.resolve()
    run.server.serve(events, { hangAfterEvents: 40, headers: sameHeaders })
    const drop = async () => void (await (await run.stream())[Symbol.asyncIterator]().next())
    await drop()
    await until(() => {
      collectGarbage()
      return run.records.length > 0
    }, 'the stream is collected')
    await run.recorded(1)
    expect(guard.ends).toEqual([['settled']])
  })
}

// The collector, without a flag for the whole run.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
