/**
 * Does work, and again after each pause while another process has the store.
 * @param atMostMs after which it is given up.
 * @throws what the work throws in the end.
 */
export async function whenFree<Value>(
  work: () => Value,
  { atMostMs, pauseMs }: { readonly atMostMs: number; readonly pauseMs: number },
): Promise<Value> {
  const until = performance.now() + atMostMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

function isBusy(error: unknown): boolean {
  return (error as { readonly busy?: unknown } | null | undefined)?.busy === true
}
