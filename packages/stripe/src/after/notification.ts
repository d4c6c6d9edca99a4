import { jsonFields, refused, type SignatureOptions, signedBody } from './signed-request.ts'

/** What a request to the webhook turned out to be. */
export type Received =
  | {
      readonly kind: 'notification'
      readonly id: string
      readonly type: string
      /** The meter, where there is one. */
      readonly meter: string | undefined
      /** The account that it is about, where that is not the key's own. */
      readonly context: string | undefined
    }
  /** Signed by Stripe, but with a whole event in it: the endpoint has the wrong payload style. */
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Stripe's notifications have less than a thousandth of it. */
const expected = { what: 'an event notification', longestBytes: 1024 * 1024 }

/** Checks a request's signature, and reads it. */
export async function receive(request: Request, options: SignatureOptions): Promise<Received> {
  const signed = await signedBody(request, options, expected)
  return signed.kind === 'refused' ? signed : read(signed.body)
}

function read(body: string): Received {
  const { object, id, type, context, related_object: meter } = jsonFields(body)
  if (object === 'event') return { kind: 'snapshot' }
  if (object !== 'v2.core.event' || typeof id !== 'string' || typeof type !== 'string') {
    return refused('the body is no event notification')
  }
  return {
    kind: 'notification',
    id,
    type,
    meter: (meter as { readonly id?: string } | null | undefined)?.id,
    context: typeof context === 'string' && context !== '' ? context : undefined,
  }
}
