import Stripe from 'stripe'

/** What a request to the webhook turned out to be. */
export type Received =
  | { readonly kind: 'event'; readonly event: SignedEvent }
  | { readonly kind: 'refused'; readonly reason: string }

/** An event that Stripe signed, whichever form it has. What it is about is asked for anew. */
export interface SignedEvent {
  readonly id: string
  /** Without the `v1.` of thin events: `invoice.paid`. */
  readonly type: string
  /** Of the object that it is about. */
  readonly objectId: string
  /** When it happened, in ms since the epoch. */
  readonly at: number
  /** The connected account that it is of, `acct_...`; empty for the key's own. */
  readonly stripeAccount: string
  /** Nobody paid anything. */
  readonly isTest: boolean
}

export interface SignatureOptions {
  readonly stripe: Stripe
  /** It has to be signed with one of them. */
  readonly webhookSecrets: readonly string[]
  readonly toleranceSeconds: number
}

/** Checks a request's signature, with what edge runtimes have too, and reads it. */
export async function receive(request: Request, options: SignatureOptions): Promise<Received> {
  const signature = request.headers.get('stripe-signature')
  if (signature === null) return refused('there is no Stripe-Signature header')
  if (!isSignature(signature)) return refused('the Stripe-Signature header is not one of Stripe')
  const body = await bodyText(request)
  if (body === undefined) return refused('the body is too long for an event')
  const { stripe, webhookSecrets, toleranceSeconds } = options
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
 * A time, and signatures of scheme v1. The verifier throws whatever it may for another header.
 * https://docs.stripe.com/webhooks#verify-manually
 */
function isSignature(header: string): boolean {
  const parts = header.split(',').map((part) => part.trim().split('='))
  const values = (scheme: string) =>
    parts.flatMap(([name, value]) => (name === scheme ? [value ?? ''] : []))
  const [times, signatures] = [values('t'), values('v1')]
  return (
    times.length === 1 &&
    /^\d{1,12}$/.test(times[0] ?? '') &&
    signatures.length > 0 &&
    signatures.every((one) => /^[\da-f]{64}$/i.test(one))
  )
}

interface Body {
  readonly id?: unknown
  readonly object?: unknown
  readonly type?: unknown
  readonly created?: unknown
  readonly livemode?: unknown
  /** Of snapshots, where they are a connected account's. */
  readonly account?: unknown
  readonly data?: { readonly object?: { readonly id?: unknown } | null } | null
  /** Of thin events: the account, or the path to it. */
  readonly context?: unknown
  readonly related_object?: { readonly id?: unknown } | null
}

function read(text: string): Received {
  const body = parsed(text)
  const { id, type, created } = body
  const isThin = body.object === 'v2.core.event'
  if ((!isThin && body.object !== 'event') || typeof id !== 'string' || typeof type !== 'string') {
    return refused('the body is no event of Stripe')
  }
  const objectId = isThin ? body.related_object?.id : body.data?.object?.id
  const at = typeof created === 'number' ? created * 1000 : Date.parse(String(created))
  if (Number.isNaN(at)) return refused('the event does not say when it happened')
  const account = isThin
    ? String(body.context ?? '')
        .split('/')
        .at(-1)
    : body.account
  const stripeAccount = typeof account === 'string' && account.startsWith('acct_') ? account : ''
  const name = isThin ? type.replace(/^v1\./, '') : type
  // Few events are about nothing, and none of those that are looked at.
  const about = typeof objectId === 'string' ? objectId : ''
  const isTest = body.livemode === false
  return { kind: 'event', event: { id, type: name, objectId: about, at, stripeAccount, isTest } }
}

function refused(reason: string): Received {
  return { kind: 'refused', reason }
}

function parsed(text: string): Body {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** Events have a tenth of it at the most. */
const longestBytes = 4 * 1024 * 1024

/**
 * The body as text; `undefined` for one that is longer than any event, of which no more is kept: an
 * endpoint takes requests of anybody until their signature is checked.
 */
async function bodyText(request: Request): Promise<string | undefined> {
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
