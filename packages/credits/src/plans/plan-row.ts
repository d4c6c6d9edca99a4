import type { ObjectRow, ObjectState } from '../books/objects.ts'

/** A plan of an account, as its row has it. */
export interface PlanState extends ObjectState {
  readonly plan: string
  /** How many of the plan, such as seats: it includes so many times its amount. */
  readonly quantity: number
  readonly anchor: number
  /** What it is of at Stripe; `null` for one by hand, or by default. */
  readonly subscription: string | null
  /** The period that was given last, and how much of it, in parts as text. */
  readonly from: number | null
  readonly until: number | null
  readonly given: string
  /** What follows when the period is over: a smaller plan, or fewer of it. */
  readonly next: string | null
  readonly nextQuantity: number | null
  /** When it ends, in ms since the epoch. */
  readonly endsAt: number | null
  readonly isDefault: boolean
}

export interface PlanRow extends ObjectRow {
  state: PlanState
}

/** Of a plan's row, and what the keys of its grants begin with. */
const prefix = 'plan:'
export const planRowId = (id: string): string => `${prefix}${id}`
export const planIdOf = ({ id }: Pick<PlanRow, 'id'>): string => id.slice(prefix.length)
