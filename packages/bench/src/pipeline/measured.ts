/** What some work took: of the clock, and of this process's CPU with all of its threads. */
export interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Runs work and says what it took. The CPU time holds also on a machine that others use. */
export async function measured(work: () => unknown): Promise<Cost> {
  collectGarbage()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { seconds, cpuSeconds: (user + system) / 1e6 }
}

/** The smallest value that so large a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted()
  const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)
  return sorted[Math.max(0, index)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Needs `--expose-gc`; without it figures are noisier. */
export function collectGarbage(): void {
  globalThis.gc?.()
}

/** Lets timers and sockets have their turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
