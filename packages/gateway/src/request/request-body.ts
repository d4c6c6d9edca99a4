/** The body of a request, as far as the gateway has to look at it. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { GatewayRefusal } from '../refusal.ts'
import { type BodyFields, formFields, jsonFields } from './body-fields.ts'
import { decodedBody, encodingsOf } from './decoded-body.ts'
import type { RequestHeaders } from './raw-headers.ts'
import { type BodyLimits, ClientLeft, readBody } from './read-body.ts'

/** A body on its way to the upstream. */
export interface RequestBody {
  /** As it came: in memory, or a stream; `null` where there is none. */
  readonly bytes: Buffer | Readable | null
  /** What it says, where it was read. */
  readonly fields: BodyFields | undefined
  /** It may be changed: it is JSON that is neither encoded nor signed. */
  readonly canSplice: boolean
  /** It is needed no more. */
  release(): void
}

/** Of requests whose bytes are vouched for: they are not changed. */
const signatures = [
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  'signature',
  'signature-input',
  'x-amz-content-sha256',
]

const noBody: RequestBody = { bytes: null, fields: undefined, canSplice: false, release: () => {} }

/** True where a body follows the head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

export interface ReadOptions {
  /** It has to be what it says it is: JSON, or a form. Else what is neither has no fields. */
  readonly mustBeRead: boolean
  /** It may be a form. */
  readonly takesForm: boolean
}

/**
 * Reads a body whole.
 *
 * @throws GatewayRefusal 400 where it says in no one way what it is, or is a form that nobody asks for; also as `readBody`, `decodedBody` and `jsonFields` say; ClientLeft.
 */
export async function wholeBody(
  request: IncomingMessage,
  headers: RequestHeaders,
  limits: BodyLimits,
  { mustBeRead, takesForm }: ReadOptions,
): Promise<RequestBody> {
  if (!hasBody(request)) return noBody
  const formType = formTypeOf(headers)
  if (formType !== undefined && !(takesForm && isMultipart.test(formType))) {
    throw badType('this path takes JSON, and the body of the request says that it is a form')
  }
  const { maxBodyBytes, inFlight } = limits
  const { bytes, release: releaseRead } = await readBody(request, limits)
  if (bytes.length === 0) return noBody
  let decodedBytes = 0
  const release = (): void => {
    releaseRead()
    inFlight.give(decodedBytes)
    decodedBytes = 0
  }
  try {
    const encodings = encodingsOf(headers.get('content-encoding'))
    const take = (count: number): boolean => {
      const fits = inFlight.take(count)
      if (fits) decodedBytes += count
      return fits
    }
    const decoded = await decodedBody(bytes, encodings, { maxBytes: maxBodyBytes, take })
    const canSplice =
      formType === undefined &&
      encodings.length === 0 &&
      !signatures.some((name) => headers.get(name) !== null)
    const fields = await fieldsOf(decoded, formType, mustBeRead)
    return { bytes, fields, canSplice, release }
  } catch (error) {
    release()
    throw error
  }
}

const isMultipart = /^\s*multipart\/form-data\s*;/i

/**
 * The type of a form; `undefined` for everything else, which is read as JSON.
 * @throws GatewayRefusal 400 for more than one type: each server takes another.
 */
function formTypeOf(headers: RequestHeaders): string | undefined {
  const [type = '', ...others] = headers.all('content-type')
  if (others.length > 0 || /^[^;]*,/.test(type)) {
    throw badType('the request has more than one content-type')
  }
  return /^\s*(?:multipart\/|application\/x-www-form-urlencoded)/i.test(type) ? type : undefined
}

function badType(what: string): GatewayRefusal {
  return new GatewayRefusal(400, 'invalid_request', `${what}: nothing was passed on`)
}

async function fieldsOf(
  bytes: Buffer,
  formType: string | undefined,
  mustBeRead: boolean,
): Promise<BodyFields | undefined> {
  if (formType !== undefined) return formFields(bytes, formType)
  if (mustBeRead || looksLikeObject(bytes)) return jsonFields(bytes)
  return undefined
}

function looksLikeObject(bytes: Buffer): boolean {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while ((bytes[at] ?? 0xff) <= 0x20) at++
  return bytes[at] === 0x7b
}

/**
 * A body that is not looked at, as it comes.
 * @param sent called with the length of each piece.
 */
export function streamedBody(request: IncomingMessage, sent: (bytes: number) => void): RequestBody {
  if (!hasBody(request)) return noBody
  // One of its own: whoever sends it destroys it when that fails, and the request is still to be answered.
  const body = new Readable({
    read: () => void request.resume(),
    destroy(error, done) {
      request.off('data', onData)
      done(error)
    },
  })
  const onData = (piece: Buffer): void => {
    sent(piece.length)
    if (!body.push(piece)) request.pause()
  }
  request.on('data', onData)
  request.once('end', () => body.push(null))
  request.once('close', () => {
    if (!request.readableEnded) body.destroy(new ClientLeft())
  })
  request.pause()
  // Whoever sends it hears of it: by itself it ends no process.
  body.on('error', () => {})
  return { bytes: body, fields: undefined, canSplice: false, release: () => {} }
}
