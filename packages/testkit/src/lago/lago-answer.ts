import type { FakeAnswer } from '../http/fake-request.ts'

const names: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
}

/** The body that Lago's errors have: `{ status, error, code }`, without a code for a 401. */
export function refused(
  status: number,
  code?: string,
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer {
  const error = names[status] ?? (status >= 500 ? 'Internal Server Error' : 'Error')
  return { status, headers, body: { status, error, ...(code !== undefined && { code }) } }
}

/** A 422, with what is wrong by field, or by place in a batch. */
export function invalid(details: Readonly<Record<string, unknown>>): FakeAnswer {
  const { status, body } = refused(422, 'validation_errors')
  return { status, body: { ...(body as object), error_details: details, error_extra: {} } }
}

/** What is thrown in Lago's code and caught by nobody. */
export const crashed: FakeAnswer = {
  status: 500,
  body: { status: 500, error: 'Internal Server Error' },
}
