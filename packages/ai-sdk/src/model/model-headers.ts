import { isPromise } from '@token-meter/core/adapter'
import type { AiSdkModel } from '../ai-sdk-client.ts'

/** Asked already: a middleware sees the same model with each call, and asking can take a token. */
const asked = new WeakSet<object>()

/**
 * Tells the headers that the model sends with every request, where they are at hand. A function is
 * asked only of the AI Gateway's models: another provider's may sign, or fetch a token.
 */
export function modelHeaders(model: AiSdkModel, tell: (headers: unknown) => void): void {
  try {
    const { headers } = (model as { config?: { headers?: unknown } }).config ?? {}
    if (typeof headers === 'object') return tell(headers)
    if (typeof headers !== 'function' || model.provider !== 'gateway') return
    if (asked.has(headers)) return
    asked.add(headers)
    const made: unknown = headers()
    if (isPromise(made)) void made.then(tell).then(undefined, () => {})
    else tell(made)
  } catch {
    // The request will fail in the same way, and say so.
  }
}
