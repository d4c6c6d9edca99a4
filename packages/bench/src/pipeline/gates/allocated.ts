import { getHeapStatistics } from 'node:v8'
import { collectYoung } from '../../calls/measure/collect-young.ts'
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

/**
 * Bytes of an operation that collections of young garbage leave behind, each time it runs: what is
 * copied twice, and waits for a collection of the whole heap.
 */
export async function outlived(times: number, operation: () => unknown): Promise<number> {
  const before = usedAfterYoungCollection()
  for (let time = 0; time < times; time++) {
    await operation()
    if (time % 50 === 0) usedAfterYoungCollection()
  }
  return (usedAfterYoungCollection() - before) / times
}

/** What metering adds: the median over some rounds, in which both have their turn. */
export async function onTop(
  measure: typeof allocated | typeof outlived,
  times: number,
  raw: () => unknown,
  metered: () => unknown,
): Promise<number> {
  const differences: number[] = []
  for (let round = 0; round < 5; round++) {
    const without = await measure(times, raw)
    differences.push((await measure(times, metered)) - without)
  }
  return median(differences)
}

/** A collection ends the page that was being filled, which is counted as a whole only then. */
function allocatedSoFar(): number {
  globalThis.gc?.()
  return (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? 0
}

function usedAfterYoungCollection(): number {
  collectYoung()
  return getHeapStatistics().used_heap_size
}
