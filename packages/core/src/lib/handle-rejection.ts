/**
 * Handles the rejection of what a function of the application answered, so that one that should not
 * have been async ends no process. True when the answer is a promise, or passes for one.
 */
export function handleRejection(
  answer: unknown,
  onRejected: (cause: unknown) => void = () => {},
): boolean {
  if (typeof answer !== 'object' || answer === null || !('then' in answer)) return false
  if (typeof answer.then !== 'function') return false
  ;(answer as PromiseLike<unknown>).then(undefined, onRejected)
  return true
}
