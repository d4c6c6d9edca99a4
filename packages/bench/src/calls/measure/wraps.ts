import { type BenchCase, rawSide, settled } from './bench-case.ts'
import { cpuTime } from './clock.ts'
import { type Figure, paired } from './paired.ts'

/** µs of CPU to wrap a client; `use` also reads the method that is called first. */
export function wrapping(bench: BenchCase, use: boolean): Promise<Figure> | undefined {
  const { subject } = bench
  const { wrap, sdk } = subject
  if (wrap === undefined) return undefined
  const wraps = 2000
  const side = rawSide(bench)
  const client = sdk.connect({ baseUrl: `${bench.server.url}/call` })
  const rawClient = side.connect('call')
  const looped = (work: () => unknown) => async (): Promise<number> => {
    const micros = await cpuTime(async () => {
      for (let count = 0; count < wraps; count++) work()
    })
    return micros / wraps
  }
  const subjectRun = looped(() => {
    const wrapped = wrap(client)
    return use ? sdk.method(wrapped) : wrapped
  })
  const rawRun = looped(() => (use ? side.sdk.method(rawClient) : rawClient))
  return paired({
    pairs: 41,
    quick: bench.quick,
    raw: rawRun,
    subject: subjectRun,
    settle: () => settled(bench),
  })
}
