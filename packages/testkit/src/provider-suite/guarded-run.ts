import type { ProviderRun, Start } from './provider-harness.ts'
import { RefusedError, watchedGuard, type WatchedGuard, watchedOutbox } from './watched-guard.ts'

/** The refusal that a call came to: its error, or the cause of that, where an SDK has its own around it. */
export async function refusalOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (thrown) {
    let error: unknown = thrown
    while (error instanceof Error && !(error instanceof RefusedError)) error = error.cause
    return error
  }
  return 'no refusal'
}

/** A run with a guard that holds, and an outbox that tells what settles what. */
export interface GuardedRun<Client extends object> extends AsyncDisposable {
  readonly guard: WatchedGuard
  readonly outbox: ReturnType<typeof watchedOutbox>
  readonly run: ProviderRun<Client>
}

/** How such runs are started. */
export function guardedStart<Client extends object>(
  start: Start<Client>,
): (first?: () => unknown, isSlow?: boolean) => Promise<GuardedRun<Client>> {
  return async (first, isSlow = false) => {
    const guard = watchedGuard(first)
    const outbox = watchedOutbox(isSlow)
    const run = await start({ guard, outbox, pools: ['team_7'] })
    return { guard, outbox, run, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
  }
}
