import { handleRejection } from '../../lib/promises.ts'
import type { ObservedCall } from '../observed-call.ts'

/** What a socket is closed with that a guard refuses. */
export const refusedCode = 4402

/** Closes a session that a guard refuses, once. */
export class RefusedSession {
  readonly #fault: (what: string, cause: unknown) => void
  readonly #close: (code: number, reason: string) => void
  #isClosed = false

  /** @param close ends the session with what its socket can be closed with. */
  constructor(
    fault: (what: string, cause: unknown) => void,
    close: (code: number, reason: string) => void,
  ) {
    this.#fault = fault
    this.#close = close
  }

  /** What is under way cannot be refused: where the guard would, the session ends, and with it that. */
  watch(call: ObservedCall): ObservedCall {
    handleRejection(call.admission, (refusal) => this.refuse(refusal))
    return call
  }

  refuse(refusal: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { code } = (refusal ?? {}) as { readonly code?: unknown }
    this.#fault(
      `a socket was closed with the code ${refusedCode}, because the guard of the meter refuses what it uses`,
      refusal,
    )
    this.#close(refusedCode, typeof code === 'string' ? code.slice(0, 100) : 'refused')
  }
}
