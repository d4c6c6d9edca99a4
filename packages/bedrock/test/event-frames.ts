import { EventStreamCodec } from '@smithy/core/event-streams'
import { fromUtf8, toUtf8 } from '@smithy/core/serde'
import type { EventFraming } from '@token-meter/testkit'

const codec = new EventStreamCodec(toUtf8, fromUtf8)

/**
 * An event of Bedrock as AWS frames it: `{ contentBlockDelta: {...} }`, or `{ chunk: {...} }` whose JSON
 * stands as base64 inside of JSON. An exception is a frame of another kind.
 */
export function frame(event: Readonly<Record<string, unknown>>): Uint8Array {
  const [type = 'none', payload] = Object.entries(event)[0] ?? []
  const isException = type.endsWith('Exception')
  const text = (value: string) => ({ type: 'string' as const, value })
  return codec.encode({
    headers: {
      ':message-type': text(isException ? 'exception' : 'event'),
      [isException ? ':exception-type' : ':event-type']: text(type),
      ':content-type': text('application/json'),
    },
    body: new TextEncoder().encode(JSON.stringify(payload ?? null)),
  })
}

/** What InvokeModel streams: the maker's own event, in bytes. */
export function chunk(event: object): { readonly chunk: object } {
  return { chunk: { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcd' } }
}

export const awsFraming: EventFraming = {
  contentType: 'application/vnd.amazon.eventstream',
  encode: frame,
}
