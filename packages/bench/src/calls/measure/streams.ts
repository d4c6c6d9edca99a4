import { streamLength } from '../server/answers.ts'
import { type BenchCase, rawSide, settled, type Side, subjectSide } from './bench-case.ts'
import { cpuTime } from './clock.ts'
import { keepShapes } from './keep-shapes.ts'
import { type Figure, paired } from './paired.ts'

/** ns of CPU for one event of a stream, over HTTP and through the SDK's own parser. */
export function streamOverHttp(bench: BenchCase): Promise<Figure> {
  const kept = keepShapes()
  const runs = (side: Side): (() => Promise<number>) => {
    const client = side.connect('stream')
    return async () => {
      return ((await cpuOfStream(side, client, kept)) * 1000) / streamLength
    }
  }
  return paired({
    pairs: 61,
    quick: bench.quick,
    raw: runs(rawSide(bench)),
    subject: runs(subjectSide(bench)),
    settle: () => settled(bench),
  })
}

/** us of CPU to open a stream and to read it to its end. */
export function cpuOfStream(
  side: Side,
  client: object,
  kept: ReturnType<typeof keepShapes>,
): Promise<number> {
  return cpuTime(async () => {
    const stream = await side.stream(client)
    kept(stream)
    await drain(stream)
  })
}

/** Reads a stream to its end. */
export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const event of stream) void event
}
