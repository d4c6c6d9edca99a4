import { outputTokens } from '../server/events.ts'
import type { Telemetry } from '../subject/subject.ts'
import { type BenchCase, settled, subjectSide } from './bench-case.ts'
import { drain } from './streams.ts'

/** How long telemetry may take to show what was counted, in ms; without peers it takes none. */
const patienceMs = { quick: 100, full: 500 }

/** Whether the subject saw the usage of a call, and of a stream: speed alone says nothing. */
export interface Metering {
  readonly calls: boolean
  readonly streams: boolean
}

export async function metering(bench: BenchCase, telemetry: Telemetry): Promise<Metering> {
  const side = subjectSide(bench)
  const calls = await sees(bench, telemetry, async () => {
    await side.sdk.call(side.connect('call'))
  })
  const streams = await sees(bench, telemetry, async () => {
    await drain(await side.stream(side.connect('stream')))
  })
  return { calls, streams }
}

async function sees(
  bench: BenchCase,
  telemetry: Telemetry,
  work: () => Promise<void>,
): Promise<boolean> {
  let seen = false
  telemetry.seen = (value) => {
    seen ||= JSON.stringify(value)?.includes(String(outputTokens)) === true
  }
  await settled(bench)
  await work()
  const deadline = performance.now() + (bench.quick ? patienceMs.quick : patienceMs.full)
  while (!seen && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await bench.subject.settle?.()
  }
  telemetry.seen = undefined
  await settled(bench)
  return seen
}
