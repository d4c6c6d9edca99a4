import { TokenMeterError } from './token-meter-error.ts'

/** `flush()` or `close()` ran out of time: `pending` says how many records each sink still lacks. */
export class FlushError extends TokenMeterError {
  override readonly name = 'FlushError'
  readonly code = 'flush'
  /** Records not yet settled, by sink. They stay in the outbox. */
  readonly pending: Readonly<Record<string, number>>

  constructor(
    message: string,
    options: ErrorOptions & { pending: Readonly<Record<string, number>> },
  ) {
    super(message, options)
    this.pending = options.pending
  }
}
