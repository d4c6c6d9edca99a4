import { getHeapStatistics } from 'node:v8'
import { median } from '../measured.ts'

/** Bytes of the heap that an operation takes, each time it runs, whatever becomes garbage at once. */
export async function allocated(
  times: number,
  operation: (time: number) => unknown,
): Promise<number> {
  const before = allocatedSoFar()
  for (let time = 0; time < times; time++) {
    const answer = operation(time)
    if (answer instanceof Promise) await answer
  }
  return (allocatedSoFar() - before) / times
}

/** What metering adds: the median over some rounds, in which both have their turn. */
export async function allocatedOnTop(
  times: number,
  raw: () => unknown,
  metered: () => unknown,
): Promise<number> {
  const differences: number[] = []
  for (let round = 0; round < 5; round++) {
    const without = await allocated(times, raw)
    differences.push((await allocated(times, metered)) - without)
  }
  return median(differences)
}

/** A collection ends the page that was being filled, which is counted as a whole only then. */
function allocatedSoFar(): number {
  globalThis.gc?.()
  return (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? 0
}
