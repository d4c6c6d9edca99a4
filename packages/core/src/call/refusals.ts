/**
 * Refusals of the meter: calls that are not sent, because nobody pays for them or a guard says no. Where an SDK
 * wraps what its `fetch` throws in errors of its own, the refusal itself is found here.
 */
import { asyncStorage } from '../lib/runtime.ts'
import { unlessAborted } from '../lib/promises.ts'
import type { ObservedCall } from './observed-call.ts'

/** The refusal of a request that is made inside. */
interface RefusedInside {
  refusal?: unknown
}

const inside = asyncStorage<RefusedInside>('token-meter.refusals')
const refusals = new WeakSet()
/** How far an error is looked into for the one that it wraps. */
const deepest = 8

/** An error is the refusal of a call. */
export function noteRefusal(error: unknown): void {
  if (typeof error !== 'object' || error === null) return
  refusals.add(error)
  const around = inside?.getStore()
  if (around !== undefined) around.refusal = error
}

/** The refusal that an error is, or wraps; `undefined` where it is another error. */
export function refusalIn(error: unknown): unknown {
  let cause = error
  for (let depth = 0; depth < deepest && typeof cause === 'object' && cause !== null; depth++) {
    if (refusals.has(cause)) return cause
    cause = (cause as { cause?: unknown }).cause
  }
  return undefined
}

/**
 * Does what sends a request by an SDK that wraps the errors of its `fetch`, or loses them.
 *
 * @param mapped hands on what the SDK answers with its rejection changed by `map`.
 */
export function withRefusals<Answer>(
  send: () => Answer,
  mapped: (answer: Answer, map: (error: unknown) => never) => Answer,
): Answer {
  const around: RefusedInside = {}
  const answer = inside === null ? send() : inside.run(around, send)
  return mapped(answer, (error) => {
    throw around.refusal ?? refusalIn(error) ?? error
  })
}

/**
 * Waits until a call may be sent, before it is; at once where the call was aborted, for the SDK to say so.
 * @throws the refusal, for which nothing is held any more.
 */
export async function untilAdmitted(
  call: ObservedCall,
  signal?: AbortSignal | null | undefined,
): Promise<void> {
  try {
    await unlessAborted(call.admission ?? Promise.resolve(), signal)
  } catch (refusal) {
    call.dismiss()
    noteRefusal(refusal)
    throw refusal
  }
  if (signal?.aborted === true) call.dismiss()
}
