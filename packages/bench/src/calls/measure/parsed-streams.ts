import { type Api, streamEvents } from '../server/events.ts'
import { type BenchCase, rawSide, settled, type Side, subjectSide } from './bench-case.ts'
import { collectYoung } from './collect-young.ts'
import { keepShapes } from './keep-shapes.ts'
import { type Figure, paired } from './paired.ts'
import { cpuOfStream } from './streams.ts'

/** Events of a stream that is measured by time, and of one that is measured by what it holds. */
const timedLength = 20_000
/** So many are different ones: events that were just parsed are in the processor's cache, too. */
const distinctLength = 200
const heldLength = 20_000
/** Of one alone, what the compiler keeps meanwhile would be the most. */
const heldTogether = 20

/** A side whose streams are not parsed but given. It stays so for good. */
interface GivenStream {
  readonly client: object
  readonly side: Side
  /** What the next stream yields. */
  events: () => Iterable<unknown>
}

/** Replaces the parsing of both sides: measures that need it come last. */
export function giveStreams(bench: BenchCase): { raw: GivenStream; subject: GivenStream } {
  return { raw: given(rawSide(bench)), subject: given(subjectSide(bench)) }
}

function given(side: Side): GivenStream {
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response('', { headers: { 'content-type': 'text/event-stream' } }))
  const stream: GivenStream = { side, client: side.connect('stream', fetch), events: () => [] }
  side.sdk.replaceParsing(async function* events() {
    for (const event of stream.events()) yield event
  })
  return stream
}

/** ns of CPU for one event that is parsed already: what observing it costs, and nothing else. */
export function parsedStream(
  bench: BenchCase,
  { raw, subject }: ReturnType<typeof giveStreams>,
): Promise<Figure> {
  const kept = keepShapes()
  const run = async (stream: GivenStream): Promise<number> => {
    const { side, client } = stream
    // Anew for each run: a subject may change what it sees.
    const events = parsed(bench.api, distinctLength, side.includesUsage)
    const all = repeated(events, timedLength)
    stream.events = () => all
    collectYoung()
    return ((await cpuOfStream(side, client, kept)) * 1000) / timedLength
  }
  return paired({
    pairs: 101,
    quick: bench.quick,
    raw: () => run(raw),
    subject: () => run(subject),
    settle: () => settled(bench),
  })
}

/**
 * KB of heap that one long stream holds, of some that are open together: the more of while their
 * readers pause after a few events, in which time nobody else should read on, and of shortly before
 * their end.
 */
export function heapHeld(
  bench: BenchCase,
  { raw, subject }: ReturnType<typeof giveStreams>,
): Promise<Figure> {
  const run = async (stream: GivenStream): Promise<number> => {
    const { side, client } = stream
    const texts = streamEvents(bench.api, heldLength, side.includesUsage)
    // Parsed as it is read: what nobody keeps is gone.
    stream.events = function* events() {
      for (const text of texts) yield JSON.parse(text) as unknown
    }
    const before = heapInUse()
    const open = await Promise.all(
      Array.from({ length: heldTogether }, async () => {
        return (await side.stream(client))[Symbol.asyncIterator]()
      }),
    )
    for (const iterator of open) await pull(iterator, 10)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const heldEarly = heapInUse() - before
    for (const iterator of open) await pull(iterator, heldLength - 20)
    await settled(bench)
    const held = Math.max(heldEarly, heapInUse() - before)
    for (const iterator of open) await pull(iterator, Infinity)
    return held / heldTogether / 1024
  }
  return paired({
    pairs: 5,
    quick: bench.quick,
    raw: () => run(raw),
    subject: () => run(subject),
    settle: () => settled(bench),
  })
}

/** Reads so many events, or all there are. */
async function pull(iterator: AsyncIterator<unknown>, events: number): Promise<void> {
  for (let left = events; left > 0 && (await iterator.next()).done !== true;) left--
}

function parsed(api: Api, length: number, includesUsage: boolean): unknown[] {
  return streamEvents(api, length, includesUsage).map((event) => JSON.parse(event) as unknown)
}

/** The first and the last events once, and what is between them again and again. */
function repeated(events: readonly unknown[], length: number): unknown[] {
  const ends = 3
  const between = events.slice(ends, -ends)
  return [
    ...events.slice(0, ends),
    ...Array.from({ length }, (_, index) => between[index % between.length]),
    ...events.slice(-ends),
  ]
}

function heapInUse(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
