import { isErrorAnswer } from '@token-meter/core/wire'

/** True for an error in place of an answer. */
export function isRefusal(body: unknown): boolean {
  return isErrorAnswer(body, 'usage', ['choices', 'data', 'output'])
}
