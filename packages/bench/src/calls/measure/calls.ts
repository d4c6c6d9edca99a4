import { wholeResponse } from '../server/events.ts'
import { type BenchCase, rawSide, settled, type Side, subjectSide } from './bench-case.ts'
import { cpuTime, wallTime } from './clock.ts'
import { keepShapes } from './keep-shapes.ts'
import { type Figure, paired } from './paired.ts'

/** µs of CPU for one whole response over HTTP, one call after the other. */
export function callOverHttp(bench: BenchCase): Promise<Figure> {
  return inTurns(bench, undefined, { calls: 100, pairs: 101, concurrent: 1 })
}

/** µs of CPU for one whole response that the client's own `fetch` answers: the same without noise. */
export function callInProcess(bench: BenchCase): Promise<Figure> {
  const { api } = bench
  const body = wholeResponse(api)
  const headers = { 'content-type': 'application/json' }
  const fetch = (): Promise<Response> => Promise.resolve(new Response(body, { headers }))
  return inTurns(bench, fetch, { calls: 200, pairs: 101, concurrent: 1 })
}

/** µs on the wall for each of many calls over HTTP, 8 of which are always under way. */
export function concurrentCalls(bench: BenchCase): Promise<Figure> {
  return inTurns(bench, undefined, { calls: 400, pairs: 41, concurrent: 8 })
}

interface Turns {
  readonly calls: number
  readonly pairs: number
  readonly concurrent: number
}

function inTurns(
  bench: BenchCase,
  fetch: (() => Promise<Response>) | undefined,
  { calls, pairs, concurrent }: Turns,
): Promise<Figure> {
  const kept = keepShapes()
  const runs = (side: Side): (() => Promise<number>) => {
    const client = side.connect('call', fetch)
    const one = async (): Promise<void> => {
      let answer: unknown
      for (let call = 0; call < calls / concurrent; call++) answer = await side.sdk.call(client)
      kept(answer)
    }
    const all = async (): Promise<void> => {
      await Promise.all(Array.from({ length: concurrent }, one))
      // What a subject puts off until the answer is out belongs to it.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const time = concurrent === 1 ? cpuTime : wallTime
    return async () => (await time(all)) / calls
  }
  return paired({
    pairs,
    quick: bench.quick,
    raw: runs(rawSide(bench)),
    subject: runs(subjectSide(bench)),
    settle: () => settled(bench),
  })
}
