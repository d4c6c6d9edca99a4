import Stripe from 'stripe'

/** What signs a request of Stripe to a webhook. */
export interface SignatureOptions {
  readonly stripe: Stripe
  /** It has to be signed with one of them. */
  readonly webhookSecrets: readonly string[]
  /** How old a signature may be. */
  readonly toleranceSeconds: number
}

/** The body of a request that Stripe has signed, or why it is none. */
export type SignedBody =
  | { readonly kind: 'signed'; readonly body: string }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Checks a request's signature, with what edge runtimes have too. Not by stripe-node's
 * `parseEventNotificationAsync`, which its version 19 does not have.
 * @param expected what it is to be, for people, and how long that can be, in bytes.
 */
export async function signedBody(
  request: Request,
  { stripe, webhookSecrets, toleranceSeconds }: SignatureOptions,
  expected: { readonly what: string; readonly longestBytes: number },
): Promise<SignedBody> {
  const signature = request.headers.get('stripe-signature')
  if (signature === null) return refused('there is no Stripe-Signature header')
  if (!isSignature(signature)) return refused('the Stripe-Signature header is not one of Stripe')
  const body = await bodyText(request, expected.longestBytes)
  if (body === undefined) return refused(`the body is too long for ${expected.what}`)
  const crypto = Stripe.createSubtleCryptoProvider()
  const { signature: verifier } = stripe.webhooks
  if (!verifier) throw new Error('this build of stripe cannot verify signatures')
  let refusal = 'not that of the webhook secret'
  for (const secret of webhookSecrets) {
    try {
      await verifier.verifyHeaderAsync(body, signature, secret, toleranceSeconds, crypto)
      return { kind: 'signed', body }
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

/** Why a request is not taken. */
export function refused(reason: string): { readonly kind: 'refused'; readonly reason: string } {
  return { kind: 'refused', reason }
}

/** The fields of a body that is a JSON object; none of any other. */
export function jsonFields(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/**
 * The body of a request as text; `undefined` for a longer one, of which no more is kept: an endpoint
 * takes requests of anybody until their signature is checked.
 */
async function bodyText(request: Request, longestBytes: number): Promise<string | undefined> {
  if (!request.body) return request.text()
  const reader = request.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  // No `for await`: not every runtime can iterate over a stream.
  for (;;) {
    const chunk = await reader.read()
    if (chunk.done) return text + decoder.decode()
    length += chunk.value.byteLength
    if (length > longestBytes) {
      await reader.cancel().catch(() => {})
      return undefined
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}
