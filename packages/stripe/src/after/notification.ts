import Stripe from 'stripe'

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

export interface SignatureOptions {
  readonly stripe: Stripe
  /** It has to be signed with one of them. */
  readonly webhookSecrets: readonly string[]
  /** How old a signature may be. */
  readonly toleranceSeconds: number
}

/**
 * Checks a request's signature, with what edge runtimes have too, and reads it. Not by stripe-node's
 * `parseEventNotificationAsync`, which its version 19 does not have.
 */
export async function receive(
  request: Request,
  { stripe, webhookSecrets, toleranceSeconds }: SignatureOptions,
): Promise<Received> {
  const signature = request.headers.get('stripe-signature')
  if (signature === null) return refused('there is no Stripe-Signature header')
  if (!isSignature(signature)) return refused('the Stripe-Signature header is not one of Stripe')
  const body = await bodyText(request)
  if (body === undefined) return refused('the body is too long for an event notification')
  const crypto = Stripe.createSubtleCryptoProvider()
  const { signature: verifier } = stripe.webhooks
  if (!verifier) throw new Error('this build of stripe cannot verify signatures')
  let refusal = 'not that of the webhook secret'
  for (const secret of webhookSecrets) {
    try {
      await verifier.verifyHeaderAsync(body, signature, secret, toleranceSeconds, crypto)
      return read(body)
    } catch (error) {
      const { type, message } = error as { readonly type?: string; readonly message: string }
      if (type !== 'StripeSignatureVerificationError') throw error
      // Not in Stripe's own words, which go on with what was received.
      if (message.includes('tolerance')) refusal = 'too old'
    }
  }
  return refused(`the signature is ${refusal}`)
}

/**
 * The form that Stripe gives it: a time, and signatures of which one is of scheme v1. The verifier
 * throws whatever it may for another one, such as a v1 without a value.
 * https://docs.stripe.com/webhooks#verify-manually
 */
function isSignature(header: string): boolean {
  const parts = header.split(',').map((part) => part.trim().split('='))
  const values = (scheme: string) =>
    parts.flatMap(([name, value]) => (name === scheme ? [value] : []))
  const [times, signatures] = [values('t'), values('v1')]
  return (
    times.length === 1 &&
    /^\d{1,12}$/.test(times[0] ?? '') &&
    signatures.length > 0 &&
    signatures.every((signature) => /^[\da-f]{64}$/i.test(signature ?? ''))
  )
}

function read(body: string): Received {
  const { object, id, type, context, related_object: meter } = jsonObject(body)
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

function refused(reason: string): Received {
  return { kind: 'refused', reason }
}

function jsonObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Stripe's notifications have less than a thousandth of it. */
const longestBytes = 1024 * 1024

/**
 * The body of a request as text; `undefined` for one of more than a MiB, of which no more is kept: an
 * endpoint takes requests of anybody until their signature is checked.
 */
async function bodyText(request: Request): Promise<string | undefined> {
  if (!request.body) return request.text()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  // No `for await`: not every runtime can iterate over a stream.
  for (;;) {
    const chunk = await reader.read()
    if (chunk.done) break
    length += chunk.value.byteLength
    if (length > longestBytes) {
      await reader.cancel().catch(() => {})
      return undefined
    }
    chunks.push(chunk.value)
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return new TextDecoder().decode(bytes)
}
