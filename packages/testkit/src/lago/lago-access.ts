import type { FakeLagoOptions } from './fake-lago-options.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { refused } from './lago-answer.ts'

/** Refuses a request without the right key, or whose key may not do what it asks for. */
export function refusedLagoAccess(
  { headers, method }: FakeRequest,
  apiKey: string,
  resource: string,
  { mayWriteEvents = true, mayRead = true }: FakeLagoOptions,
): FakeAnswer | undefined {
  if (headers.authorization !== `Bearer ${apiKey}`) return refused(401)
  const mode = method === 'GET' ? 'read' : 'write'
  const may = mode === 'read' ? mayRead : mayWriteEvents
  return may ? undefined : refused(403, `${mode}_action_not_allowed_for_${resource}`)
}
