import { jsonObject } from '@token-meter/core/wire'

/**
 * What a call's error says of the answer behind it: an answer that came with a good status and
 * could not be read was generated, and is owed. `undefined` where nothing was answered; a body
 * where the error carries one that is JSON.
 */
export function answeredError(error: unknown): { readonly body: unknown } | undefined {
  const { statusCode, responseBody } = jsonObject(error)
  if (typeof statusCode !== 'number' || statusCode < 200 || statusCode > 299) return undefined
  if (typeof responseBody !== 'string') return { body: undefined }
  try {
    return { body: JSON.parse(responseBody) as unknown }
  } catch {
    return { body: undefined }
  }
}
