/** One billable number: the tokens of one type that one response used. */
export interface MeterEvent {
  /** `<record id>:<token type>`: the same on every retry, in every process. */
  readonly id: string
  /** The meter's event name. */
  readonly name: string
  readonly customer: string
  /** Tokens, a whole number above 0. */
  readonly value: number
  /** When the response ended, in ms since the epoch. */
  readonly timestamp: number
  /** `model` and `token_type`, and the record's attributes. */
  readonly dimensions: Readonly<Record<string, string>> & {
    readonly model: string
    readonly token_type: string
  }
}
