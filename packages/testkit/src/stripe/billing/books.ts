import { randomBytes } from 'node:crypto'
import type { Objects } from './objects.ts'

type Kind = keyof Objects

const prefixes: Readonly<Record<Kind, string>> = {
  customer: 'cus',
  product: 'prod',
  price: 'price',
  subscription: 'sub',
  subscription_item: 'si',
  payment_intent: 'pi',
  charge: 'ch',
  refund: 're',
  dispute: 'du',
  invoice: 'in',
  line_item: 'il',
  invoice_payment: 'inpay',
  credit_note: 'cn',
  'checkout.session': 'cs',
  'billing.credit_grant': 'credgr',
  'billing.credit_balance_transaction': 'cbtxn',
}

/** Told of everything that happens to an object, by the name of its event. */
export type Emit = (type: string, object: { readonly id: string; readonly object: string }) => void

/** All objects of a fake Stripe, and its clock. */
export interface StripeBooks {
  /** Adds one, with an id of its kind unless it has one. */
  add<One extends Kind>(
    kind: One,
    fields: Omit<Objects[One], 'id' | 'object'> & { id?: string },
  ): Objects[One]
  get<One extends Kind>(kind: One, id: unknown): Objects[One] | undefined
  /** The newest first, as Stripe lists them. */
  all<One extends Kind>(kind: One, is?: (object: Objects[One]) => boolean): Objects[One][]
  /** ms since the epoch. */
  now(): number
  /** Whole seconds, as Stripe writes times. */
  seconds(): number
  emit: Emit
}

export function createStripeBooks(now: () => number, emit: Emit): StripeBooks {
  const objects = new Map<string, { readonly id: string; readonly object: string }>()
  return {
    add: (kind, fields) => {
      const id = fields.id ?? `${prefixes[kind]}_${randomBytes(9).toString('hex')}`
      const made = { ...fields, id, object: kind } as unknown as Objects[typeof kind]
      objects.set(id, made)
      return made
    },
    get: (kind, id) => {
      const found = objects.get(String(id))
      return found?.object === kind ? (found as never) : undefined
    },
    all: (kind, is = () => true) =>
      [...objects.values()]
        .filter((one) => one.object === kind && is(one as never))
        .toReversed() as never,
    now,
    seconds: () => Math.floor(now() / 1000),
    emit,
  }
}
