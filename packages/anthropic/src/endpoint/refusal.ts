import { isErrorAnswer } from '@token-meter/core/wire'

/** True for an error in place of a message. */
export function isRefusal(body: unknown): boolean {
  return isErrorAnswer(body, 'usage', ['content'])
}
