import { whenDropped } from '@token-meter/core/adapter'
import type { ModelStreamWatch } from './model-stream-watch.ts'
import { watchIdle } from './idle-streams.ts'

/**
 * Passes a model's stream on, part by part, as the caller pulls: nothing is read ahead, nothing is
 * kept, a cancel reaches the source at once and an error is the source's own.
 */
export function observeModelStream(
  source: ReadableStream<unknown>,
  watch: ModelStreamWatch,
  isAborted: () => boolean,
): ReadableStream<unknown> {
  let reader: ReadableStreamDefaultReader<unknown> | undefined
  let to: ReadableStreamDefaultController<unknown>
  let cancelled = false

  const onRead = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    if (!done) {
      watch.isReading = false
      if (watch.see(value)) {
        if (!cancelled) pull()
        return
      }
      // A read can have been under way when the caller left.
      if (!cancelled) to.enqueue(value)
      return
    }
    if (cancelled) return
    watch.end('complete')
    whenStored(() => {
      if (!cancelled) to.close()
    })
  }
  const onError = (error: unknown): void => {
    watch.failed(error, isAborted())
    whenStored(() => to.error(error))
  }
  const whenStored = (work: () => void): void => {
    const { stored } = watch
    if (stored === undefined) work()
    else void stored.then(work)
  }

  // Answers no promise, which would cost as much again: one read at a time is seen to here, and
  // passing a part on pulls again by itself where the caller waits for more.
  const pull = (): void => {
    if (watch.isReading) return
    watch.isReading = true
    watch.reads++
    reader ??= source.getReader()
    void reader.read().then(onRead, onError)
  }

  const stream = new ReadableStream<unknown>(
    {
      start(controller) {
        to = controller
      },
      pull,
      cancel(reason) {
        cancelled = true
        const cancelling = (reader ?? source).cancel(reason)
        watch.end('interrupted')
        const { stored } = watch
        return stored === undefined ? cancelling : cancelling.then(() => stored)
      },
    },
    { highWaterMark: 0 },
  )
  whenDropped(stream, watch)
  watchIdle(watch)
  return stream
}
