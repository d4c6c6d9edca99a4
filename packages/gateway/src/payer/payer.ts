/**
 * Who pays for a request: whom its key is bound to, else whom a trusted header names, else whom the body
 * names. A key names only those that it may name. What is ambiguous is refused, and never a guess: the
 * bill of a wrong customer is worse than a call that says what is wrong with it.
 */
import type { Caller } from '../caller.ts'
import { GatewayRefusal } from '../refusal.ts'
import { billingHeader, maxCustomerLength, type RawHeaders } from './header-values.ts'

/**
 * Who is charged.
 * - `key`: whom the key is bound to: its customer, else its team, else its user. A key that may name
 *   customers is charged for its team or user where it names none.
 * - `end_user_id`: the customer that the request names.
 * - `user_id`, `team_id`: the user, or the team, of the key. Requests name nobody.
 */
export type ChargeBy = 'end_user_id' | 'user_id' | 'team_id' | 'key'

export interface PayerSettings {
  readonly chargeBy: ChargeBy
  /** Whether `stripe-customer-id` and `x-stripe-customer-id` name who pays, where the key may. */
  readonly customerHeader: boolean
  /**
   * What of the body's `metadata.user_id` is a customer, as Anthropic's API has it: the first group of
   * the pattern, else all that it matches, which must be the whole text. Left out, it names nobody:
   * Claude Code puts its session there.
   */
  readonly metadataUserId?: RegExp | undefined
  /**
   * What of the key becomes attributes of its records: names of its metadata, and `key_id`, `user_id`,
   * `team_id`. @default none
   */
  readonly attributes?: readonly string[] | undefined
}

/** Who pays for one request. */
export interface Payer {
  /** `null`: nobody was named. */
  readonly customer: string | null
  readonly attributes: Readonly<Record<string, string>>
  /** By which Stripe account, and under which customer of it, the request is billed, in place of the meter's Stripe sink. */
  readonly stripe?: StripeHeaders
  /** Why nobody is billed for it, where nobody is. */
  readonly unbilled?: UnbilledCode
}

/** `stripe-customer-id` with `stripe-restricted-access-key`, of a key that may send them. */
export interface StripeHeaders {
  readonly customer: string
  /** A secret: it is sealed before it is kept, and stands in no message. */
  readonly key: string
}

/** `stripe_headers_incomplete`: one of the two headers came without the other. */
export type UnbilledCode = 'stripe_headers_incomplete'

/** What of a request says who pays. */
export interface PayingRequest {
  readonly caller: Caller
  readonly headers: RawHeaders
  /** The top of its JSON body; `undefined` where it has none. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

const namingHeaders = ['stripe-customer-id', 'x-stripe-customer-id'] as const
const restrictedKeyHeader = 'stripe-restricted-access-key'
/** Headers that never go to an upstream. */
export const payerHeaders: readonly string[] = [...namingHeaders, restrictedKeyHeader]

/** @throws GatewayRefusal 403 for a customer that the key may not name, 400 for what names nobody clearly. */
export function payerOf(request: PayingRequest, settings: PayerSettings): Payer {
  const { caller } = request
  const attributes = attributesOf(caller, settings.attributes)
  const [customerHeader, otherName] = namingHeaders.map((name) =>
    billingHeader(request.headers, name),
  )
  const key = billingHeader(request.headers, restrictedKeyHeader, 512)
  if (key !== undefined && !caller.stripeHeaders) {
    throw forbidden(
      `This key may not bill by ${restrictedKeyHeader}: leave the header out, or use a key that was generated with stripe_headers: true`,
    )
  }
  if (customerHeader !== undefined && otherName !== undefined && customerHeader !== otherName) {
    throw new GatewayRefusal(
      400,
      'invalid_request',
      `The headers ${namingHeaders.join(' and ')} name two customers: send one of them`,
    )
  }
  if (caller.stripeHeaders && (customerHeader !== undefined || key !== undefined)) {
    const customer = customerOf(request, undefined, settings)
    if (customerHeader === undefined || key === undefined) {
      return { customer, attributes, unbilled: 'stripe_headers_incomplete' }
    }
    return { customer, attributes, stripe: { customer: customerHeader, key } }
  }
  return { customer: customerOf(request, customerHeader ?? otherName, settings), attributes }
}

/** Whom a key is charged for whatever its requests say; `null` where they may say it. */
function boundTo(caller: Caller, chargeBy: ChargeBy): string | null {
  switch (chargeBy) {
    case 'user_id':
      return caller.userId
    case 'team_id':
      return caller.teamId
    case 'end_user_id':
      return caller.customer
    case 'key':
      return caller.customer ?? (namesNobody(caller) ? ownOf(caller) : null)
  }
}

const ownOf = (caller: Caller): string | null => caller.teamId ?? caller.userId

function namesNobody({ mayName }: Caller): boolean {
  return mayName !== 'any' && mayName.size === 0
}

/** True where a key may have this customer charged, whether its request names it or not. */
export function mayCharge(caller: Caller, customer: string, chargeBy: ChargeBy): boolean {
  const bound = boundTo(caller, chargeBy)
  if (bound !== null) return bound === customer
  if (chargeBy === 'user_id' || chargeBy === 'team_id') return false
  return mayBeNamed(caller, customer) || (chargeBy === 'key' && ownOf(caller) === customer)
}

function mayBeNamed({ mayName }: Caller, customer: string): boolean {
  return mayName === 'any' || mayName.has(customer)
}

/** @param named by a header. */
function customerOf(
  { caller, body }: PayingRequest,
  named: string | undefined,
  settings: PayerSettings,
): string | null {
  const { chargeBy } = settings
  const bound = boundTo(caller, chargeBy)
  const takesNames = bound === null && (chargeBy === 'key' || chargeBy === 'end_user_id')
  if (named !== undefined) {
    if (named === bound) return bound
    if (!takesNames || !settings.customerHeader || !mayBeNamed(caller, named)) throw notNamed()
    return named
  }
  if (!takesNames) return bound
  const own = chargeBy === 'key' ? ownOf(caller) : null
  // What an application says of its users by `user` is its own matter, where the key may name nobody.
  if (namesNobody(caller) && chargeBy === 'key') return own
  const user = bodyUser(body, settings.metadataUserId)
  if (user === undefined) return own
  if (!mayBeNamed(caller, user)) throw notNamed()
  return user
}

function notNamed(): GatewayRefusal {
  return forbidden(
    'This key may not have the customer charged that the request names: name none, or use a key that is bound to it or may name it',
  )
}

/** @throws GatewayRefusal 400 for a name that is none. */
function bodyUser(
  body: PayingRequest['body'],
  metadataUserId: RegExp | undefined,
): string | undefined {
  const user = ownField(body, 'user')
  if (user !== undefined && user !== null) return checkedUser(user)
  const id = ownField(ownField(body, 'metadata'), 'user_id')
  if (metadataUserId === undefined || typeof id !== 'string' || id.length > 1000) return undefined
  metadataUserId.lastIndex = 0
  const match = metadataUserId.exec(id)
  if (match === null || match[0] !== id) return undefined
  return checkedUser(match[1] ?? match[0])
}

function ownField(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

/** Control characters, those that are not seen, and halves of a pair. */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function checkedUser(user: unknown): string {
  if (typeof user !== 'string') throw wrongUser('must be text')
  if (user.trim() === '') throw wrongUser('is empty')
  if (user.length > maxCustomerLength) {
    throw wrongUser(`is longer than ${maxCustomerLength} characters`)
  }
  if (user.trim() !== user) throw wrongUser('begins or ends with a space')
  if (hidden.test(user)) throw wrongUser('has a character that cannot be seen')
  return user
}

function wrongUser(what: string): GatewayRefusal {
  return new GatewayRefusal(
    400,
    'invalid_request',
    `The body's user ${what}: it names who pays for this request`,
  )
}

function forbidden(message: string): GatewayRefusal {
  return new GatewayRefusal(403, 'forbidden', message)
}

function attributesOf(
  { keyId, userId, teamId, metadata }: Caller,
  names: readonly string[] = [],
): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {}
  for (const name of names) {
    const own = { key_id: keyId, user_id: userId, team_id: teamId }
    const value = Object.hasOwn(own, name)
      ? own[name as keyof typeof own]
      : Object.hasOwn(metadata, name)
        ? metadata[name]
        : undefined
    if (value !== null && value !== undefined) attributes[name] = value
  }
  return attributes
}
