/** A record of which no event can be made; the message is what there is to say of it. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError'
  /** The same for machines. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** More than fits into a value of Stripe's. */
export const tooManyDigits = 'value_too_many_digits'
