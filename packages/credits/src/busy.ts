/** A store that another process has for the moment: nothing is wrong, and the same can succeed soon. */

/** True for an error by which a store says so. */
export function isBusy(error: unknown): boolean {
  return (error as { readonly busy?: unknown } | null | undefined)?.busy === true
}

/**
 * Does work, and again after each pause while the store is busy.
 * @param atMostMs after which it is given up.
 * @throws what the work throws in the end.
 */
export async function whenFree<Value>(
  work: () => Value | Promise<Value>,
  { atMostMs, pauseMs }: { readonly atMostMs: number; readonly pauseMs: number },
): Promise<Value> {
  const until = performance.now() + atMostMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
