/** Headers as they came on the wire: who sends one twice, or hides a second value in it, names nobody. */
import { GatewayRefusal } from '../refusal.ts'

/** Names and values in turn, as they came: `rawHeaders` of node's `IncomingMessage`. */
export type RawHeaders = readonly string[]

/** All values of a header. @param name in lower case. */
export function headerValues(headers: RawHeaders, name: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) values.push(headers[index + 1] ?? '')
  }
  return values
}

/** The longest id of a customer that is taken, in characters. */
export const maxCustomerLength = 255

/**
 * The value of a header that says who is billed, or with what; `undefined` where it is not there.
 * @throws GatewayRefusal 400 where it is there more than once, empty, too long, or no plain text: a list
 * is what a proxy makes of two headers.
 */
export function billingHeader(
  headers: RawHeaders,
  name: string,
  maxLength = maxCustomerLength,
): string | undefined {
  const [value, ...more] = headerValues(headers, name)
  if (value === undefined) return undefined
  if (more.length > 0) throw wrongHeader(name, 'came more than once')
  if (value === '') throw wrongHeader(name, 'is empty')
  if (value.length > maxLength) throw wrongHeader(name, `is longer than ${maxLength} characters`)
  if (!/^[!-+\--~]+$/.test(value)) {
    throw wrongHeader(
      name,
      'has a character that is not plain text: a space, a comma, a control character',
    )
  }
  return value
}

function wrongHeader(name: string, what: string): GatewayRefusal {
  return new GatewayRefusal(
    400,
    'invalid_request',
    `The header ${name} ${what}: send it once, with one id`,
  )
}
