import { TokenMeterError } from './token-meter-error.ts'

/** A sink failed or refused. Reported, never thrown: the records are safe in the outbox. */
export class DeliveryError extends TokenMeterError {
  override readonly name = 'DeliveryError'
  readonly code = 'delivery'
  readonly sink: string

  constructor(message: string, options: ErrorOptions & { sink: string }) {
    super(message, options)
    this.sink = options.sink
  }
}
