import { type BenchCase, rawSide, settled, type Side, subjectSide } from './bench-case.ts'
import { wallTime } from './clock.ts'
import { type Figure, paired } from './paired.ts'
import { drain } from './streams.ts'

/** How long an upstream may stay open after a `break`, in ms, before it counts as never closed. */
export const closeTimeoutMs = 1000

/** µs on the wall from the call to the first event of its stream; the rest comes 2 ms later. */
export function firstToken(bench: BenchCase): Promise<Figure> {
  const runs = (side: Side): (() => Promise<number>) => {
    const client = side.connect('first')
    return async () => {
      let iterator: AsyncIterator<unknown> | undefined
      const micros = await wallTime(async () => {
        const stream = await side.stream(client)
        iterator = stream[Symbol.asyncIterator]()
        await iterator.next()
      })
      const rest = iterator as AsyncIterator<unknown>
      await drain({ [Symbol.asyncIterator]: () => rest })
      return micros
    }
  }
  return paired({
    pairs: 300,
    quick: bench.quick,
    raw: runs(rawSide(bench)),
    subject: runs(subjectSide(bench)),
    // Nothing is collected in between: this is about latency, pair by pair.
    settle: () => Promise.resolve(),
  })
}

/**
 * ms from the `break` of the reader until the provider sees the connection closed.
 * @throws Error when it never is.
 */
export function closeAfterBreak(bench: BenchCase): Promise<Figure> {
  const runs = (side: Side, who: string): (() => Promise<number>) => {
    const client = side.connect('endless')
    return async () => {
      const closed = bench.server.nextClose(closeTimeoutMs)
      let events = 0
      let left = 0n
      for await (const event of await side.stream(client)) {
        void event
        if (++events < 3) continue
        left = process.hrtime.bigint()
        break
      }
      const closedAt = await closed
      if (closedAt === undefined) throw new Error(`${who} never closes the upstream`)
      return Number(closedAt - left) / 1e6
    }
  }
  return paired({
    pairs: 25,
    quick: bench.quick,
    raw: runs(rawSide(bench), 'raw'),
    subject: runs(subjectSide(bench), 'it'),
    settle: () => settled(bench),
  })
}
