import {
  jsonFields,
  refused,
  type SignatureOptions,
  signedBody,
} from '@token-meter/stripe/signed-request'

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

/** Events have a tenth of it at the most. */
const expected = { what: 'an event', longestBytes: 4 * 1024 * 1024 }

/** Checks a request's signature, and reads it. */
export async function receive(request: Request, options: SignatureOptions): Promise<Received> {
  const signed = await signedBody(request, options, expected)
  return signed.kind === 'refused' ? signed : read(signed.body)
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
  const body: Body = jsonFields(text)
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
