/** What the usage of one record costs, in exact decimals of USD such as `'0.0012345'`. */
export interface UsageCost {
  readonly currency: 'USD'
  /** What the provider charges for it. */
  readonly provider: string
  /** What the customer is billed for it: the provider's cost and the markup. */
  readonly billed: string
  /**
   * `reported` by the provider in its answer, computed from `prices`, or 0 because the record is
   * `unbilled`.
   */
  readonly source: 'reported' | 'prices' | 'unbilled'
  /** The price list's own name of the model, where it was computed. */
  readonly pricedAs?: string
  /**
   * The usage is a sum of several requests, and a price depends on the size of each, which nobody
   * said: the price of the smallest was taken, so that the provider may charge more.
   */
  readonly tierUnknown?: true
}
