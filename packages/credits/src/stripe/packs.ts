/** What a price sells, as its metadata says. */
import { parseAmount } from '../amount.ts'

/** Metadata of a price: the dollars of credit that one of it is, as decimal text. */
export const packMetadata = 'token_meter_usd'
/** Metadata of a price: the plan that a subscription to it is. */
export const planMetadata = 'token_meter_plan'

/** A line that was paid for, of an invoice or a Checkout session. */
export interface PaidLine {
  readonly id: string
  readonly quantity: number
  /** Minor units, after discounts. What was free grants nothing. */
  readonly amount: number
  /** What a change in mid-period comes to: the next whole period grants. */
  readonly isProration: boolean
  /** Of what was metered: from when until when, in ms since the epoch, and the cents of credit drawn. */
  readonly metered?:
    | { readonly from: number; readonly until: number; readonly drawn: number }
    | undefined
  readonly price:
    | { readonly id: string; readonly metadata: Readonly<Record<string, string>> }
    | undefined
}

/**
 * The credit that a line is paid for, in parts: never what was paid for it, which has taxes, discounts
 * and a currency in it. Nothing for a line that sells none.
 * @throws Error where the metadata is no amount above 0.
 */
export function packOf({ quantity, amount, isProration, price }: PaidLine): bigint {
  const usd = price?.metadata[packMetadata]
  if (usd === undefined || isProration || amount <= 0 || quantity <= 0) return 0n
  let each: bigint
  try {
    each = parseAmount(usd.trim(), 'usd')
    if (each <= 0n) throw new RangeError('expected an amount above 0')
  } catch (error) {
    throw new Error(
      `the price ${price?.id} has ${packMetadata} ${JSON.stringify(usd)} in its metadata: ${(error as Error).message}`,
      { cause: error },
    )
  }
  return each * BigInt(quantity)
}
